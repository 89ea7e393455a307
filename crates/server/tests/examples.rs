//! The examples in other languages work, against the real program.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, GET, authorised,
    program::{are_installed, rollcall, run},
};
use rollcall_model::response_code::ResponseCode;
use rollcall_testbed::server::Server;
use serde_json::json;
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Command, Output},
    thread,
};

/// Python on the client of `examples/python`.
fn python(arguments: &[&str]) -> Command {
    let mut python = Command::new("python3");
    python.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python"));
    python.args(["-B"]).args(arguments); // leaves no compiled files in the tree
    python
}

fn is_python_installed() -> bool {
    are_installed(&["python3"], "the client in Python was not tried")
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn serve(more: &[&str]) -> (Server, String) {
    let server = Server::start(rollcall().args(["--memory", "--listen", "127.0.0.1:0"]).args(more)).unwrap();
    let url = format!("http://{}", server.address);
    (server, url)
}

#[test]
fn the_python_client_imports_ten_thousand_profiles_updates_some_and_reads_them_back() {
    if !is_python_installed() {
        return;
    }
    let (server, url) = serve(&[]);
    let output = said(&run(&mut python(&["import_profiles.py", "--url", &url, "--count", "10000"])));
    let lines: Vec<_> = output.lines().collect();
    assert!(
        lines[0].starts_with("refused nobody@example.com: Incorrect request: incorrect value: data.phones[0]"),
        "{output}"
    );
    assert_eq!(lines[1..], ["imported 10000", "updated 100", "read back 100"]);
    let mut client = Connection::open(server.address).unwrap();
    let mut number_of = |email: &str| {
        client.post(GET, &authorised(json!({ "email": email }))).unwrap().json()["data"]["custom_int"].clone()
    };
    assert_eq!([number_of("person-9900@example.com"), number_of("person-9999@example.com")], [9901, 9999]);
}

#[test]
fn the_python_client_splits_batches_that_are_too_large_for_the_server() {
    if !is_python_installed() {
        return;
    }
    let (_server, url) = serve(&["--max-body", "20000"]);
    let output = said(&run(&mut python(&["import_profiles.py", "--url", &url, "--count", "1000"])));
    assert!(output.contains("imported 1000\n"), "{output}");
}

#[test]
fn the_python_client_has_an_exception_for_every_number() {
    if !is_python_installed() {
        return;
    }
    let output = said(&run(&mut python(&["-c", "import rollcall; print(*rollcall.ERRORS)"])));
    let known: BTreeSet<u16> = output.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let numbers = ResponseCode::ALL.iter().filter(|code| **code != ResponseCode::Success).map(|code| code.number());
    assert_eq!(known, numbers.collect());
}

#[test]
fn the_python_client_tells_what_to_do_about_each_refusal() {
    if !is_python_installed() {
        return;
    }
    let (_server, url) = serve(&[]);
    let output = said(&run(&mut python(&["errors.py", "--url", &url])));
    let told: Vec<_> = output.lines().map(|line| line.split(':').next().unwrap()).collect();
    let expected = [
        "BadRequest 400",
        "TokenMissing 401",
        "NoAccess 403",
        "NotFound 404",
        "NotFound 404",
        "NotFound 404",
        "Conflict 409",
        "TooLarge 413",
        "MethodNotAllowed 405",
        "UnsupportedMediaType 415",
    ];
    assert_eq!(told, expected, "{output}");
}

#[test]
fn the_python_client_repeats_what_may_go_better_later_and_gives_up_what_may_not() {
    if !is_python_installed() {
        return;
    }
    for (numbers, ends_as) in [
        (&[429, 503, 0][..], "0"),
        (&[503; 8], "Unavailable"),
        (&[429; 8], "TooManyRequests"),
        (&[402], "TariffLimit"),
        (&[500], "InternalError"),
    ] {
        let (url, answered) = answering(numbers.to_vec());
        let script = format!(
            "import rollcall\n\
             client = rollcall.Rollcall('{url}', 'token', 1)\n\
             try: print(client.call('profiles/import', {{}})['error'])\n\
             except rollcall.CallError as error: print(type(error).__name__)\n"
        );
        assert_eq!(said(&run(&mut python(&["-c", &script]))).trim(), ends_as, "{numbers:?}");
        answered.join().unwrap(); // so that each answer was asked for
    }
}

/// A server that gives these answers in their order, on one connection, and is over then.
fn answering(numbers: Vec<u16>) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        for number in numbers {
            drain_request(&mut stream);
            let body = json!({ "error": number, "error_text": "as told" }).to_string();
            let status = if number == 0 { 200 } else { number };
            let head = format!("HTTP/1.1 {status} As-told\r\nRetry-After: 0\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (url, answering)
}

fn drain_request(stream: &mut impl BufRead) {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {} // the request line
        }
    }
    stream.read_exact(&mut vec![0; length]).unwrap();
}
