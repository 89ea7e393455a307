//! A bare HTTP/1.1 connection that is kept: sends bytes, reads one answer. Made to cost little, since client and server
//! share a machine; no redirects, no TLS, no pipelining.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a whole request, waits for the whole answer, and gives its status.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await.context("cannot send")?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await.context("cannot read the answer")? == 0 {
                bail!("the server closed the connection before it had answered");
            }
            if let Some(status) = whole_answer(&self.answer)? {
                return Ok(status);
            }
        }
    }

    /// The last answer, head and all.
    pub fn last_answer(&self) -> String {
        String::from_utf8_lossy(&self.answer).into_owned()
    }

    /// Sends a whole request, and takes any answer but 200 for an error.
    pub async fn succeed(&mut self, request: &[u8]) -> anyhow::Result<()> {
        match self.exchange(request).await? {
            200 => Ok(()),
            _ => bail!("{}", self.last_answer()),
        }
    }
}

/// A request with a JSON body.
pub fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status, once all of the answer is there.
fn whole_answer(bytes: &[u8]) -> anyhow::Result<Option<u16>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes).context("the answer is not HTTP")? else {
        return Ok(None);
    };
    let body = &bytes[length..];
    let header = |name: &str| head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let is_whole = match header("content-length") {
        Some(header) => body.len() >= std::str::from_utf8(header.value)?.parse()?,
        // Nothing follows the last chunk: the next request has not been sent yet.
        None if header("transfer-encoding").is_some() => body.ends_with(b"0\r\n\r\n"),
        None => bail!("the answer does not say where it ends"),
    };
    Ok(head.code.filter(|_| is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_last_byte_is_there() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..answer.len() {
            assert_eq!(whole_answer(&answer[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(whole_answer(answer).unwrap(), Some(503));
    }

    #[test]
    fn an_answer_in_chunks_is_whole_after_the_last() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(whole_answer(format!("{head}2\r\n{{}}\r\n").as_bytes()).unwrap(), None);
        assert_eq!(whole_answer(format!("{head}2\r\n{{}}\r\n0\r\n\r\n").as_bytes()).unwrap(), Some(200));
    }

    #[test]
    fn refuses_an_answer_that_has_no_end() {
        assert!(whole_answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(whole_answer(b"SSH-2.0\r\n\r\n").is_err());
    }
}
