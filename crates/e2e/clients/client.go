// What a program with golang.org/x/crypto/ssh does: ADDRESS SOURCE LOGIN, the agent in SSH_AUTH_SOCK. Prints one JSON
// object of what it saw.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type result struct {
	Code int
	Out  string
	Err  string
}

func run(client *ssh.Client, command string, input []byte, pty bool) result {
	session, err := client.NewSession()
	must(err)
	defer session.Close()
	if pty {
		must(session.RequestPty("xterm", 50, 200, ssh.TerminalModes{ssh.ECHO: 0}))
	}
	var out, errors bytes.Buffer
	session.Stdout, session.Stderr = &out, &errors
	session.Stdin = bytes.NewReader(input)
	code := 0
	if err := session.Run(command); err != nil {
		exit, ok := err.(*ssh.ExitError)
		if !ok {
			must(err)
		}
		code = exit.ExitStatus()
	}
	return result{code, out.String(), errors.String()}
}

func main() {
	address, source, login := os.Args[1], os.Args[2], os.Args[3]
	socket, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	must(err)
	keys := agent.NewClient(socket)
	dialer := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	connection, err := dialer.Dial("tcp", address)
	must(err)
	config := &ssh.ClientConfig{
		User:            login,
		Auth:            []ssh.AuthMethod{ssh.PublicKeysCallback(keys.Signers)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
	transport, channels, requests, err := ssh.NewClientConn(connection, address, config)
	must(err)
	client := ssh.NewClient(transport, channels, requests)
	must(agent.ForwardToAgent(client, keys))
	// For the whole connection; a server answers it once.
	first, err := client.NewSession()
	must(err)
	must(agent.RequestAgentForwarding(first))
	seen := map[string]interface{}{}
	seen["exec"] = run(client, "echo out; echo err >&2; exit 7", nil, false)
	block := bytes.Repeat([]byte("\x00\xff go \r\n"), 200000)
	back := run(client, "cat", block, false)
	seen["cat"] = fmt.Sprintf("%d %x", back.Code, sha256.Sum256([]byte(back.Out)))
	seen["pty"] = run(client, "stty size; exit 3", nil, true)
	many := make([]result, 12)
	var all sync.WaitGroup
	for n := range many {
		all.Add(1)
		go func(n int) {
			defer all.Done()
			many[n] = run(client, fmt.Sprintf("echo %d; exit %d", n, n), nil, false)
		}(n)
	}
	all.Wait()
	seen["many"] = many
	must(json.NewEncoder(os.Stdout).Encode(seen))
	must(first.Close())
	must(client.Close())
}
