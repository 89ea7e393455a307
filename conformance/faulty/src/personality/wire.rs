//! Carries bytes between callers and a server: requests as they are, answers slowly and in small chunks.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Pieces of an answer: the second begins within a word, and the last one keeps the caller waiting.
const PIECES: usize = 3;

/// How long the next piece takes.
const PAUSE: Duration = Duration::from_millis(1);

/// Takes connections for as long as it is polled.
pub(super) async fn carry(outside: TcpListener, server: SocketAddr) {
    while let Ok((caller, _)) = outside.accept().await {
        // A connection that ends early is its caller's matter.
        tokio::spawn(async move { drop(attend(caller, server).await) });
    }
}

async fn attend(caller: TcpStream, server: SocketAddr) -> io::Result<()> {
    caller.set_nodelay(true)?;
    let (mut questions, mut listener) = caller.into_split();
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?; // a head and a body that come apart must not wait for each other
    let (answers, mut ear) = server.into_split();
    let forth = async {
        tokio::io::copy(&mut questions, &mut ear).await?;
        ear.shutdown().await
    };
    let back = async {
        let mut answers = BufReader::new(answers);
        while pass_answer(&mut answers, &mut listener).await? {}
        listener.shutdown().await
    };
    tokio::try_join!(forth, back).map(|_| ())
}

/// Passes one answer on; false when there is none any more.
async fn pass_answer(answers: &mut BufReader<OwnedReadHalf>, listener: &mut OwnedWriteHalf) -> io::Result<bool> {
    let mut length = 0;
    let mut head = String::new();
    loop {
        let start = head.len();
        if answers.read_line(&mut head).await? == 0 {
            return Ok(false);
        }
        let line = head[start..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(announced) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = announced.trim().parse().map_err(io::Error::other)?;
            head.truncate(start);
        }
    }
    head.truncate(head.len() - "\r\n".len());
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    let mut body = vec![0; length];
    answers.read_exact(&mut body).await?;
    listener.write_all(head.as_bytes()).await?;
    for (place, piece) in body.chunks(body.len().div_ceil(PIECES).max(1)).enumerate() {
        if place == PIECES - 1 {
            tokio::time::sleep(PAUSE).await;
        }
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        listener.write_all(&chunk).await?;
    }
    listener.write_all(b"0\r\n\r\n").await?;
    Ok(true)
}
