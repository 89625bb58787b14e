// An SSH proxy of x/crypto/ssh, to compare with: it lets any key in, logs in at one server with a key of its own, and
// relays every channel and request either way. It records nothing and checks no host key.
//
// proxy LISTEN SERVER LOGIN KEYFILE; prints "ready" when it listens.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: proxy LISTEN SERVER LOGIN KEYFILE")
	}
	text, err := os.ReadFile(os.Args[4])
	check(err)
	key, err := ssh.ParsePrivateKey(text)
	check(err)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	host, err := ssh.NewSignerFromKey(private)
	check(err)

	front := &ssh.ServerConfig{
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
	}
	front.AddHostKey(host)
	back := &ssh.ClientConfig{
		User:            os.Args[3],
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
	listener, err := net.Listen("tcp", os.Args[1])
	check(err)
	fmt.Println("ready")
	// Ends with the one who started it.
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		socket, err := listener.Accept()
		check(err)
		go serve(socket, front, back, os.Args[2])
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func serve(socket net.Conn, front *ssh.ServerConfig, back *ssh.ClientConfig, server string) {
	client, clientChannels, clientRequests, err := ssh.NewServerConn(socket, front)
	if err != nil {
		return
	}
	defer client.Close()
	onward, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	backend, backendChannels, backendRequests, err := ssh.NewClientConn(onward, server, back)
	if err != nil {
		return
	}
	defer backend.Close()
	go global(clientRequests, backend)
	go global(backendRequests, client)
	go channels(backendChannels, client)
	channels(clientChannels, backend)
}

// Requests about the connection.
func global(requests <-chan *ssh.Request, to ssh.Conn) {
	for request := range requests {
		ok, answer, err := to.SendRequest(request.Type, request.WantReply, request.Payload)
		if request.WantReply {
			request.Reply(ok && err == nil, answer)
		}
	}
}

func channels(opened <-chan ssh.NewChannel, to ssh.Conn) {
	for one := range opened {
		go relay(one, to)
	}
}

func relay(opened ssh.NewChannel, to ssh.Conn) {
	there, thereRequests, err := to.OpenChannel(opened.ChannelType(), opened.ExtraData())
	if err != nil {
		reason := ssh.ConnectionFailed
		if refused, is := err.(*ssh.OpenChannelError); is {
			reason = refused.Reason
		}
		opened.Reject(reason, err.Error())
		return
	}
	here, hereRequests, err := opened.Accept()
	if err != nil {
		there.Close()
		return
	}
	go func() {
		// The client's requests end when it closes.
		forward(hereRequests, there)
		there.Close()
	}()
	go pour(there, here, nil)

	var from sync.WaitGroup
	from.Add(2)
	go pour(here, there, &from)
	go func() {
		defer from.Done()
		io.Copy(here.Stderr(), there.Stderr())
	}()
	// The exit status comes before the close, and data before both.
	forward(thereRequests, here)
	from.Wait()
	here.Close()
}

func forward(requests <-chan *ssh.Request, to ssh.Channel) {
	for request := range requests {
		ok, err := to.SendRequest(request.Type, request.WantReply, request.Payload)
		if request.WantReply {
			request.Reply(ok && err == nil, nil)
		}
	}
}

func pour(to, from ssh.Channel, done *sync.WaitGroup) {
	if done != nil {
		defer done.Done()
	}
	io.Copy(to, from)
	to.CloseWrite()
}
