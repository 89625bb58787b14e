//! Loopback networks, one for each test, and connections from their addresses.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

/// A network 127.A.B.0/24 of one test.
#[derive(Clone, Copy, Debug)]
pub struct Net {
    high: u8,
    low: u8,
}

impl Net {
    /// The next network that no other test of this run has, and most likely no other run.
    pub fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id()
            .wrapping_mul(199)
            .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        // 127.1 to 127.250, so that 127.0 stays to whom it belongs.
        let [_, _, high, low] = (number % (250 * 256) + 256).to_be_bytes();
        Self { high, low }
    }

    /// An address of it.
    pub fn host(self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.high, self.low, number)
    }

    /// The gate's own address, outside the pool.
    pub fn gate(self) -> Ipv4Addr {
        self.host(1)
    }

    /// The pool, as a range.
    pub fn pool(self) -> String {
        format!("{}/29", self.host(16))
    }

    /// An address of the pool, from 1.
    pub fn proxy(self, number: u8) -> Ipv4Addr {
        self.host(16 + number)
    }

    /// Where a server listens, from 1.
    pub fn server(self, number: u8) -> Ipv4Addr {
        self.host(50 + number)
    }

    /// Where a person comes from, from 1.
    pub fn person(self, number: u8) -> Ipv4Addr {
        self.host(100 + number)
    }

    /// An address that nobody was given.
    pub fn stranger(self) -> Ipv4Addr {
        self.host(200)
    }
}

/// A port that is free at this address now. The address belongs to this test alone, so it stays free.
pub fn free_port(address: Ipv4Addr) -> u16 {
    TcpListener::bind(SocketAddr::from((address, 0)))
        .and_then(|listener| listener.local_addr())
        .expect("a free port on a loopback address")
        .port()
}

/// A connection from an address of this machine.
pub fn connect_from(source: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let SocketAddr::V4(to) = to else {
        return Err(std::io::ErrorKind::Unsupported.into());
    };
    let fd = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(source, 0)))?;
    connect(fd.as_raw_fd(), &SockaddrIn::from(to))?;
    Ok(TcpStream::from(fd))
}
