//! The PROXY protocol, version 2 (haproxy's `proxy-protocol.txt`, section 2.2): a proxy's word on where a connection
//! comes from and went to.
//!
//! An address is a credential here, so the word of none but a listed proxy counts ([`crate::Entrance`]), and whatever
//! does not say an address in so many words is refused: version 1 (text), datagrams, Unix sockets, a family that is
//! not specified. Only the command LOCAL stands for the proxy's own connection, such as a health check. What follows
//! the addresses (TLVs) is skipped unread.
//!
//! Not one byte beyond the header is read, and not more than [`HEADER_MAX`] bytes of header are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest header: what the specification promises to fit into one segment of TCP (section 2).
pub const HEADER_MAX: usize = 536;
/// What every header of version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What those of version 1 begin with.
const VERSION_1: &[u8] = b"PROXY";
/// Signature, version and command, family, length.
const PREAMBLE: usize = 16;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// The connection is the proxy's own.
    Local,
    /// The connection is somebody else's.
    Proxied {
        /// Where it comes from.
        source: SocketAddr,
        /// Where it went to.
        destination: SocketAddr,
    },
}

/// There is no header that could be believed.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The proxy speaks version 1.
    #[error("the proxy speaks version 1 of the PROXY protocol; make it send version 2")]
    Version1,
    /// The connection does not begin with a header.
    #[error("the connection does not begin with a PROXY header; the proxy is not set to send one")]
    Missing,
    /// A version that there was not when this was written.
    #[error("version {0} of the PROXY protocol is not known")]
    Version(u8),
    /// A command other than LOCAL and PROXY.
    #[error("the command {0} in the PROXY header is not known")]
    Command(u8),
    /// No TCP over IPv4 or IPv6.
    #[error("the PROXY header says address family and protocol {0:#04x}, which is not TCP over IPv4 or IPv6")]
    Family(u8),
    /// A header that is too long.
    #[error("the PROXY header has {0} bytes, more than the {HEADER_MAX} that are read")]
    TooLong(usize),
    /// A header that is too short for its addresses.
    #[error("the PROXY header ends before its addresses do")]
    TooShort,
    /// An address that nobody can have.
    #[error("the PROXY header says the address {0}, which nobody can have")]
    Address(IpAddr),
    /// The connection ended or broke within the header.
    #[error("the connection ended before its PROXY header did")]
    Io(#[from] std::io::Error),
}

/// The part that every header begins with.
struct Preamble {
    command: u8,
    family: u8,
    length: usize,
}

/// Reads a header, and nothing beyond it. To be given a deadline by the caller.
///
/// # Errors
/// There is none that could be believed; the first wrong byte is enough.
pub async fn read<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Header, HeaderError> {
    let mut bytes = [0; HEADER_MAX];
    let mut filled = 0;
    while filled < PREAMBLE {
        let rest = bytes.get_mut(filled..PREAMBLE).unwrap_or_default();
        filled += some(stream.read(rest).await?)?;
        begins_right(bytes.get(..filled).unwrap_or_default())?;
    }
    let preamble = preamble(&bytes)?;
    let end = PREAMBLE + preamble.length;
    let body = bytes.get_mut(PREAMBLE..end).ok_or(HeaderError::TooLong(end))?;
    stream.read_exact(body).await?;
    said(&preamble, body)
}

/// Reads a header from the beginning of `bytes`; also how many bytes it has.
///
/// # Errors
/// There is none that could be believed, or it is not complete.
pub fn parse(bytes: &[u8]) -> Result<(Header, usize), HeaderError> {
    begins_right(bytes)?;
    let preamble = preamble(bytes)?;
    let end = PREAMBLE + preamble.length;
    if end > HEADER_MAX {
        return Err(HeaderError::TooLong(end));
    }
    let body = bytes.get(PREAMBLE..end).ok_or(HeaderError::TooShort)?;
    Ok((said(&preamble, body)?, end))
}

fn some(count: usize) -> Result<usize, HeaderError> {
    if count == 0 {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(count)
}

/// Whether these first bytes can be those of a header.
fn begins_right(bytes: &[u8]) -> Result<(), HeaderError> {
    if SIGNATURE.iter().zip(bytes).all(|(wanted, found)| wanted == found) {
        return Ok(());
    }
    let version_1 = VERSION_1.iter().zip(bytes).all(|(wanted, found)| wanted == found);
    Err(if version_1 {
        HeaderError::Version1
    } else {
        HeaderError::Missing
    })
}

fn preamble(bytes: &[u8]) -> Result<Preamble, HeaderError> {
    let rest = bytes
        .get(SIGNATURE.len()..PREAMBLE)
        .ok_or(HeaderError::TooShort)?;
    let &[version_command, family, high, low] = rest else {
        return Err(HeaderError::TooShort);
    };
    if version_command >> 4 != 2 {
        return Err(HeaderError::Version(version_command >> 4));
    }
    Ok(Preamble {
        command: version_command & 0x0f,
        family,
        length: usize::from(u16::from_be_bytes([high, low])),
    })
}

fn said(preamble: &Preamble, body: &[u8]) -> Result<Header, HeaderError> {
    match preamble.command {
        // Section 2.2: whatever else a header with LOCAL says is to be ignored.
        0 => return Ok(Header::Local),
        1 => {}
        command => return Err(HeaderError::Command(command)),
    }
    let (source, destination) = match preamble.family {
        0x11 => addresses::<4>(body)?,
        0x21 => addresses::<16>(body)?,
        family => return Err(HeaderError::Family(family)),
    };
    for address in [source.ip(), destination.ip()] {
        if address.is_unspecified() || address.is_multicast() {
            return Err(HeaderError::Address(address));
        }
    }
    Ok(Header::Proxied { source, destination })
}

/// Two addresses of `N` bytes, then two ports, in network order. IPv4 in IPv6 clothes becomes IPv4.
fn addresses<const N: usize>(body: &[u8]) -> Result<(SocketAddr, SocketAddr), HeaderError>
where
    Ip<N>: Into<IpAddr>,
{
    let (source, rest) = body.split_first_chunk::<N>().ok_or(HeaderError::TooShort)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(HeaderError::TooShort)?;
    let &[[a, b], [c, d]] = rest.as_chunks::<2>().0.get(..2).ok_or(HeaderError::TooShort)? else {
        return Err(HeaderError::TooShort);
    };
    let at = |ip: [u8; N], port: [u8; 2]| {
        let ip: IpAddr = Ip(ip).into();
        SocketAddr::new(ip.to_canonical(), u16::from_be_bytes(port))
    };
    Ok((at(*source, [a, b]), at(*destination, [c, d])))
}

struct Ip<const N: usize>([u8; N]);

impl From<Ip<4>> for IpAddr {
    fn from(Ip(bytes): Ip<4>) -> Self {
        Ipv4Addr::from(bytes).into()
    }
}

impl From<Ip<16>> for IpAddr {
    fn from(Ip(bytes): Ip<16>) -> Self {
        Ipv6Addr::from(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::*;

    fn header(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_command, family], &length, body].concat()
    }

    fn v4(source: [u8; 4], destination: [u8; 4], rest: &[u8]) -> Vec<u8> {
        let ports = [0xc3, 0x50, 0, 22];
        header(0x21, 0x11, &[&source[..], &destination, &ports, rest].concat())
    }

    fn v6(source: &str, destination: &str) -> Vec<u8> {
        let bytes = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let ports = [0xc3, 0x50, 0, 22];
        header(
            0x21,
            0x21,
            &[&bytes(source)[..], &bytes(destination), &ports].concat(),
        )
    }

    fn proxied(source: &str, destination: &str) -> Header {
        Header::Proxied {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn the_header_is_read_and_not_a_byte_beyond_it() {
        let tlvs = [&[0x04, 0, 3, 1, 2, 3][..], &[0xee; 200]].concat();
        for (bytes, said) in [
            (
                v4([10, 0, 0, 7], [10, 9, 0, 1], &[]),
                proxied("10.0.0.7:50000", "10.9.0.1:22"),
            ),
            (
                v4([10, 0, 0, 7], [10, 9, 0, 1], &tlvs),
                proxied("10.0.0.7:50000", "10.9.0.1:22"),
            ),
            (
                v6("2001:db8::7", "fd00::1"),
                proxied("[2001:db8::7]:50000", "[fd00::1]:22"),
            ),
            (
                v6("::ffff:10.0.0.7", "::ffff:10.9.0.1"),
                proxied("10.0.0.7:50000", "10.9.0.1:22"),
            ),
            (header(0x20, 0x00, &[]), Header::Local),
            (header(0x20, 0x11, &[1, 2, 3]), Header::Local),
        ] {
            let sent = [&bytes[..], b"SSH-2.0-x\r\n"].concat();
            let mut stream = &sent[..];
            assert_eq!(read(&mut stream).await.unwrap(), said);
            assert_eq!(stream, b"SSH-2.0-x\r\n");
            assert_eq!(parse(&sent).unwrap(), (said, bytes.len()));
        }
    }

    #[tokio::test]
    async fn a_header_may_come_byte_by_byte() {
        let (mut far, mut near) = tokio::io::duplex(1);
        let bytes = v4([10, 0, 0, 7], [10, 9, 0, 1], &[]);
        let sender = tokio::spawn(async move {
            for byte in bytes {
                far.write_all(&[byte]).await.unwrap();
            }
            far
        });
        assert_eq!(
            read(&mut near).await.unwrap(),
            proxied("10.0.0.7:50000", "10.9.0.1:22")
        );
        sender.await.unwrap();
    }

    async fn wrong(bytes: &[u8]) -> String {
        let mut stream = bytes;
        let error = read(&mut stream).await.unwrap_err().to_string();
        assert!(parse(bytes).is_err(), "{error}");
        error
    }

    #[tokio::test]
    async fn what_is_no_header_to_be_believed_is_refused() {
        let unix = header(0x21, 0x31, &[0; 216]);
        for (bytes, part) in [
            (b"PROXY TCP4 10.0.0.7 10.9.0.1 50000 22\r\n".to_vec(), "version 1"),
            (
                b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
                "does not begin with a PROXY header",
            ),
            (
                b"\r\n\r\n\0\r\nQUIX\n----".to_vec(),
                "does not begin with a PROXY header",
            ),
            (header(0x31, 0x11, &[0; 12]), "version 3"),
            (
                header(0x11, 0x11, &[0; 12]),
                "version 1 of the PROXY protocol is not known",
            ),
            (header(0x22, 0x11, &[0; 12]), "command 2"),
            (header(0x21, 0x00, &[]), "0x00"),
            (header(0x21, 0x12, &[0; 12]), "0x12"),
            (header(0x21, 0x22, &[0; 36]), "0x22"),
            (unix, "0x31"),
            (header(0x21, 0x11, &[1; 11]), "ends before its addresses"),
            (header(0x21, 0x21, &[1; 35]), "ends before its addresses"),
            (header(0x21, 0x11, &[1; HEADER_MAX - PREAMBLE + 1]), "537 bytes"),
            (header(0x21, 0x11, &vec![1; 65_535]), "65551 bytes"),
            (v4([0; 4], [10, 9, 0, 1], &[]), "0.0.0.0"),
            (v4([10, 0, 0, 7], [224, 0, 0, 1], &[]), "224.0.0.1"),
            (v6("::ffff:0.0.0.0", "fd00::1"), "0.0.0.0"),
            (
                v4([10, 0, 0, 7], [10, 9, 0, 1], &[])[..20].to_vec(),
                "ended before",
            ),
            (Vec::new(), "ended before"),
        ] {
            let error = wrong(&bytes).await;
            assert!(error.contains(part), "{error}");
        }
        let longest = header(0x21, 0x11, &[1; HEADER_MAX - PREAMBLE]);
        assert!(read(&mut &longest[..]).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_wrong_byte_is_enough() {
        let (mut far, mut near) = tokio::io::duplex(64);
        far.write_all(b"P").await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_secs(1), read(&mut near)).await;
        assert!(matches!(waiting.unwrap(), Err(HeaderError::Version1)));
    }
}
