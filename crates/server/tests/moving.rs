//! `rollcall export` and `rollcall load`, as the program: equal profiles, bad lines, interruptions.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    desk::{Desk, numbered, said},
    program::{Place, check_refusal, run},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use rollcall_model::{
    database::DatabaseId,
    profile::{Profile, ProfileId},
    strategies,
};
use rollcall_store::{
    disk::DiskStore,
    transaction::{self, Store},
};
use rollcall_testbed::{chance, postgres};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
};

const DATABASE: DatabaseId = DatabaseId(1);

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn keep(folder: &Path, profiles: Vec<Profile>) {
    let store = DiskStore::open(folder).unwrap();
    let put =
        transaction::write(&store, move |state| profiles.iter().try_for_each(|profile| state.put(profile.clone())));
    block_on(put).unwrap();
    store.close().unwrap();
}

fn kept(folder: &Path) -> Vec<Arc<Profile>> {
    let store = DiskStore::open(folder).unwrap();
    let kept = transaction::read(&store, |state| state.profiles_after(DATABASE, None, usize::MAX));
    let kept = block_on(kept).unwrap();
    store.close().unwrap();
    kept
}

#[test]
fn what_is_exported_and_loaded_are_equal_profiles() {
    let profiles = vec(strategies::profile(ProfileId([0; 12]), DATABASE), 0..80);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() });
    let checked = runner.run(&profiles, |mut profiles| {
        for (number, profile) in (0u32..).zip(&mut profiles) {
            profile.id.0[8..].copy_from_slice(&number.to_be_bytes());
        }
        let desk = Desk::new();
        keep(&desk.path("old"), profiles.clone());
        said(&run(&mut desk.rollcall("export", "old", &["people.jsonl"])));
        said(&desk.load("new", &["people.jsonl"]));
        let profiles: Vec<_> = profiles.into_iter().map(Arc::new).collect();
        prop_assert_eq!(kept(&desk.path("new")), profiles);
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn profiles_move_from_a_folder_to_postgres_and_back() {
    let Some(cluster) = postgres::shared() else { return };
    let database = cluster.new_database().unwrap();
    let desk = Desk::new();
    let subscribed = |number: usize| {
        format!(r#""subscriptions":[{{"resource_id":1,"channel":"email","email":"p{number}@example.com"}}]"#)
    };
    let line = |number: usize| format!("{{\"db_id\":1,\"email\":\"p{number}@example.com\",{}}}\n", subscribed(number));
    desk.write("people.jsonl", &(0..3_000).map(line).collect::<String>());
    said(&desk.load("old", &["people.jsonl"]));
    said(&run(&mut desk.rollcall("export", "old", &["moved.jsonl"])));
    assert_eq!(said(&desk.load(&database, &["moved.jsonl"])), "loaded 3000 profiles\n");
    assert_eq!(said(&desk.load(&database, &["moved.jsonl"])), "loaded 0 profiles, 3000 unchanged\n");
    let refused = desk.load(&database, &["people.jsonl"]);
    check_refusal(&refused, &["people.jsonl:1: email: belongs to profile "]);
    said(&run(&mut desk.rollcall("export", &database, &["back.jsonl"])));
    assert_eq!(desk.read("back.jsonl"), desk.read("moved.jsonl"));
    said(&desk.load("new", &["back.jsonl"]));
    assert_eq!(kept(&desk.path("new")), kept(&desk.path("old")));
}

#[test]
fn the_lines_of_the_documentation_are_as_it_says() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md")).unwrap();
    let blocks: Vec<_> = text.split("```jsonl\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [by_hand, exported, exact] = blocks[..] else { panic!("{} blocks of lines", blocks.len()) };
    let desk = Desk::new();
    desk.write("hand.jsonl", by_hand);
    assert_eq!(said(&desk.load("hand", &["hand.jsonl"])), "loaded 3 profiles\n");
    assert_eq!(desk.lines("hand")[0]["custom_enum"], 2);
    desk.write("exported.jsonl", &format!("{exported}{exact}"));
    said(&desk.load("exported", &["exported.jsonl"]));
    let again = said(&run(&mut desk.rollcall("export", "exported", &[])));
    assert_eq!(again, format!("{exported}{exact}"));
}

#[test]
fn exports_more_than_a_page_in_order_to_a_file_that_is_whole() {
    let desk = Desk::new();
    desk.write("people.jsonl", &numbered(0..1_234));
    assert_eq!(said(&desk.load("store", &["people.jsonl"])), "loaded 1234 profiles\n");
    assert!(!desk.path("people.jsonl.progress").exists());
    let exported = run(&mut desk.rollcall("export", "store", &["out.jsonl"]));
    assert_eq!(said(&exported), "");
    assert!(String::from_utf8_lossy(&exported.stderr).contains("exported 1234 profiles"));
    assert!(!desk.path("out.jsonl.part").exists());
    let numbers: Vec<_> = desk
        .read("out.jsonl")
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["custom_int"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(numbers, (0..1_234).collect::<Vec<_>>());
}

#[test]
fn an_export_leaves_links_and_pipes_what_they_are() {
    let desk = Desk::new();
    desk.write("people.jsonl", &numbered(0..3));
    said(&desk.load("store", &["people.jsonl"]));
    let lines = said(&run(&mut desk.rollcall("export", "store", &[])));
    fs::create_dir(desk.path("folder")).unwrap();
    for (link, file) in [("old", "there"), ("new", "missing"), ("far", "folder/file")] {
        desk.write("there", "what was there before");
        symlink(file, desk.path(link)).unwrap();
        said(&run(&mut desk.rollcall("export", "store", &[link])));
        assert_eq!(fs::read_link(desk.path(link)).unwrap(), Path::new(file));
        assert_eq!(desk.read(file), lines);
    }
    // A descriptor of the program's own, which is a pipe here; to be named where a file's name is wanted.
    for name in ["/dev/stdout", "/dev/fd/1"] {
        assert_eq!(said(&run(&mut desk.rollcall("export", "store", &[name]))), lines);
    }
    check_refusal(&run(&mut desk.rollcall("export", "store", &["folder"])), &["cannot write folder"]);
}

#[test]
fn loads_standard_input_and_blank_lines_are_no_lines() {
    let desk = Desk::new();
    let mut load = desk.rollcall("load", "store", &["-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    load.stdin.take().unwrap().write_all(b"\n{\"db_id\": 1}\r\n  \n{\"db_id\": 2}").unwrap();
    assert_eq!(said(&load.wait_with_output().unwrap()), "loaded 2 profiles\n");
    assert_eq!(desk.values("store", "db_id"), [1, 2]);
    let resumed = desk.load("store", &["--resume", "-"]);
    check_refusal(&resumed, &["standard input", "--resume"]);
}

#[test]
fn stops_at_a_bad_line_and_goes_on_when_it_is_mended() {
    let desk = Desk::new();
    let bad = numbered(700..701).replace("700", "\"many\"");
    let lines = |bad: &str| numbered(0..700) + bad + &numbered(701..4_000);
    desk.write("people.jsonl", &lines(&bad));
    let stopped = desk.load("store", &["people.jsonl"]);
    check_refusal(&stopped, &["people.jsonl:701: custom_int: not a whole number", "--resume", "--skip-bad"]);
    assert_eq!(desk.values("store", "custom_int"), (0..700).collect::<Vec<_>>());
    desk.write("people.jsonl", &lines(&numbered(700..701)));
    check_refusal(&desk.load("store", &["people.jsonl"]), &["people.jsonl.progress", "--resume"]);
    said(&desk.load("store", &["--resume", "people.jsonl"]));
    assert_eq!(desk.values("store", "custom_int"), (0..4_000).collect::<Vec<_>>());
    check_refusal(&desk.load("store", &["--resume", "people.jsonl"]), &["people.jsonl.progress", "leave --resume out"]);
}

#[test]
fn leaves_bad_lines_out_shows_the_first_and_writes_all_of_them() {
    let desk = Desk::new();
    let bad: String = (0..13).map(|number| format!("{{\"db_id\": 1, \"colour\": {number}}}\n")).collect();
    desk.write("people.jsonl", &(numbered(0..5) + &bad + &numbered(5..10)));
    let loaded = desk.load("store", &["--skip-bad", "--rejects", "bad.jsonl", "people.jsonl"]);
    assert_eq!(said(&loaded), "loaded 10 profiles, 13 bad and left out\n");
    let errors = String::from_utf8_lossy(&loaded.stderr);
    assert_eq!(errors.matches("colour: there is no such field").count(), 10, "{errors}");
    assert!(errors.contains("people.jsonl:6: ") && errors.contains("not shown"), "{errors}");
    assert_eq!(desk.read("bad.jsonl"), bad);
    assert_eq!(desk.values("store", "custom_int"), (0..10).collect::<Vec<_>>());
    let useless = desk.load("store", &["--rejects", "bad.jsonl", "people.jsonl"]);
    assert_eq!(useless.status.code(), Some(2), "rejects without --skip-bad");
}

#[test]
fn a_line_that_is_too_long_is_bad_like_others_and_no_reject() {
    let desk = Desk::new();
    let long = " ".repeat(64 << 20);
    desk.write("people.jsonl", &(numbered(0..2) + &long + "\nbad\n" + &numbered(2..4)));
    let stopped = desk.load("store", &["people.jsonl"]);
    check_refusal(&stopped, &["people.jsonl:3: longer than 64 MiB", "--skip-bad"]);
    assert_eq!(desk.values("store", "custom_int"), [0, 1]);
    let loaded = desk.load("store", &["--resume", "--skip-bad", "--rejects", "bad.jsonl", "people.jsonl"]);
    assert_eq!(said(&loaded), "loaded 2 profiles, 2 unchanged, 2 bad and left out\n");
    assert_eq!(desk.read("bad.jsonl"), "bad\n");
    assert_eq!(desk.values("store", "custom_int"), [0, 1, 2, 3]);
}

#[test]
fn rejects_of_a_load_that_goes_on_come_behind_those_of_another() {
    let desk = Desk::new();
    desk.write("people.jsonl", &(numbered(0..600) + "bad\n" + &numbered(600..700)));
    check_refusal(&desk.load("store", &["people.jsonl"]), &["people.jsonl:601: "]);
    desk.write("bad.jsonl", "of another load\n");
    said(&desk.load("store", &["--resume", "--skip-bad", "--rejects", "bad.jsonl", "people.jsonl"]));
    assert_eq!(desk.read("bad.jsonl"), "of another load\nbad\n");
    said(&desk.load("store", &["--skip-bad", "--rejects", "bad.jsonl", "people.jsonl"]));
    assert_eq!(desk.read("bad.jsonl"), "bad\n");
}

#[test]
fn rejects_never_go_over_what_is_loaded() {
    let desk = Desk::new();
    let lines = numbered(0..3) + "bad\n";
    desk.write("people.jsonl", &lines);
    symlink("people.jsonl", desk.path("link.jsonl")).unwrap();
    fs::hard_link(desk.path("people.jsonl"), desk.path("same.jsonl")).unwrap();
    symlink("people.jsonl.progress", desk.path("note")).unwrap();
    let cases = [
        ("people.jsonl", "people.jsonl"),
        ("link.jsonl", "people.jsonl"),
        ("people.jsonl", "link.jsonl"),
        ("same.jsonl", "people.jsonl"),
        ("people.jsonl.progress", "people.jsonl"),
        ("note", "people.jsonl"),
    ];
    for (rejects, file) in cases {
        let refused = desk.load("store", &["--skip-bad", "--rejects", rejects, file]);
        check_refusal(&refused, &["--rejects ", rejects, "name another one"]);
    }
    let input = fs::File::open(desk.path("people.jsonl")).unwrap();
    let refused = run(desk.rollcall("load", "store", &["--skip-bad", "--rejects", "same.jsonl", "-"]).stdin(input));
    check_refusal(&refused, &["--rejects same.jsonl"]);
    assert_eq!(desk.read("people.jsonl"), lines);
    assert!(!desk.path("store").exists() && !desk.path("people.jsonl.progress").exists());
}

#[test]
fn a_profile_that_is_there_already_is_unchanged_refused_or_replaced() {
    let desk = Desk::new();
    let line = |number: usize, name: &str| format!("{{\"db_id\":1,\"id\":\"{number:024}\",\"_fname\":\"{name}\"}}\n");
    desk.write("people.jsonl", &(line(1, "Ann") + &line(2, "Bob")));
    said(&desk.load("store", &["people.jsonl"]));
    desk.write("again.jsonl", &(line(1, "Ann") + &line(2, "Eve") + &line(3, "Joe")));
    let refused = desk.load("store", &["again.jsonl"]);
    check_refusal(&refused, &["again.jsonl:2: id: ", &format!("{:024}", 2), "--replace"]);
    assert_eq!(desk.values("store", "_fname"), ["Ann", "Bob"]);
    let replaced = desk.load("store", &["--resume", "--replace", "again.jsonl"]);
    assert_eq!(said(&replaced), "loaded 1 profiles, 1 replaced, 1 unchanged\n");
    assert_eq!(desk.values("store", "_fname"), ["Ann", "Eve", "Joe"]);
}

#[test]
fn an_email_address_belongs_to_one_profile_of_a_database() {
    let desk = Desk::new();
    let line = |database: u8, id: &str, email: &str| {
        format!("{{\"db_id\":{database},\"id\":\"{id:0>24}\",\"email\":\"{email}\"}}\n")
    };
    let first = line(1, "1", "ann@example.com");
    let lines = [
        first.clone(),
        line(1, "2", "ANN@example.com"),
        line(2, "3", "ann@example.com"),
        line(1, "1", "eve@example.com"),
        line(1, "2", "ann@example.com"),
    ];
    desk.write("people.jsonl", &lines.concat());
    let loaded = desk.load("store", &["--replace", "--skip-bad", "people.jsonl"]);
    assert_eq!(said(&loaded), "loaded 3 profiles, 1 replaced, 1 bad and left out\n");
    let errors = String::from_utf8_lossy(&loaded.stderr);
    assert!(errors.contains(&format!("people.jsonl:2: email: belongs to profile {:0>24}", 1)), "{errors}");
    assert_eq!(desk.values("store", "email"), ["eve@example.com", "ann@example.com", "ann@example.com"]);
}

const ROUNDS: usize = 60;
const LINES: usize = 20_000;

#[test]
fn a_load_that_is_killed_and_resumed_loads_every_line_once() {
    let seed = chance::seed().unwrap();
    let desk = Desk::new();
    let bad = |number: usize| format!("bad {number}\n");
    let lines: String = (0..LINES).map(|number| numbered(number..number + 1) + &bad(number)).collect();
    desk.write("people.jsonl", &lines);
    let (mut kills, mut resumed_at) = (0, 0);
    for round in 0..ROUNDS {
        let mut chance = chance::part(seed, round);
        let is_resumed = desk.path("people.jsonl.progress").exists();
        if is_resumed {
            let note: toml::Table = desk.read("people.jsonl.progress").parse().unwrap();
            resumed_at = note["lines"].as_integer().unwrap();
        }
        let mut more = vec!["--skip-bad", "--rejects", "bad.jsonl", "people.jsonl"];
        more.extend(is_resumed.then_some("--resume"));
        let load = desk.rollcall("load", "store", &more).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        match kill_when_grown(load, &desk.path("store"), chance.u64(1..200_000)) {
            Ended::Killed => kills += 1,
            Ended::Done => break,
        }
    }
    assert!(kills > 2 && resumed_at > 0, "{kills} kills, the last of them at line {resumed_at}, are no test");
    assert!(!desk.path("people.jsonl.progress").exists(), "not loaded in {ROUNDS} rounds");
    assert_eq!(desk.values("store", "custom_int"), (0..LINES).collect::<Vec<_>>());
    let ids: BTreeSet<_> = desk.values("store", "id").iter().map(Value::to_string).collect();
    assert_eq!(ids.len(), LINES);
    assert!(desk.read("bad.jsonl") == (0..LINES).map(bad).collect::<String>(), "rejects are lost or doubled");
}

enum Ended {
    Killed,
    Done,
}

/// Kills the load when its store has grown by so many bytes, unless it is done before.
fn kill_when_grown(mut load: Child, store: &Path, by: u64) -> Ended {
    let begin = size(store);
    loop {
        if let Some(status) = load.try_wait().unwrap() {
            let mut errors = String::new();
            load.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            assert!(status.success(), "{errors}");
            return Ended::Done;
        }
        if size(store) > begin + by {
            load.kill().unwrap();
            load.wait().unwrap();
            return Ended::Killed;
        }
        std::thread::yield_now();
    }
}

fn size(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum()
}

#[test]
fn resumes_neither_another_file_nor_in_another_store() {
    let desk = Desk::new();
    desk.write("people.jsonl", &(numbered(0..600) + "{\n" + &numbered(601..700)));
    check_refusal(&desk.load("store", &["people.jsonl"]), &["people.jsonl:601: column 1: EOF"]);
    check_refusal(&desk.load("new", &["--resume", "people.jsonl"]), &["there is no store in new"]);
    assert!(!desk.path("new").exists());
    desk.write("others.jsonl", &numbered(0..1));
    said(&desk.load("other", &["others.jsonl"]));
    check_refusal(&desk.load("other", &["--resume", "people.jsonl"]), &["this store has not got profile"]);
    let changed = numbered(0..600).replacen("\"custom_int\": 0", "\"custom_int\": 9", 1);
    desk.write("people.jsonl", &changed);
    check_refusal(&desk.load("store", &["--resume", "people.jsonl"]), &["people.jsonl", "have changed"]);
    desk.write("people.jsonl.progress", "half a no");
    check_refusal(&desk.load("store", &["--resume", "people.jsonl"]), &["people.jsonl.progress", "remove it"]);
}

#[test]
fn a_reader_that_goes_away_ends_an_export_without_complaint() {
    let desk = Desk::new();
    desk.write("people.jsonl", &numbered(0..20_000));
    said(&desk.load("store", &["people.jsonl"]));
    let mut export =
        desk.rollcall("export", "store", &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(export.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ended = export.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned()), (Some(1), String::new()));
    assert!(line.contains("\"custom_int\":0"), "{line}");
}

#[test]
fn a_mistaken_name_leaves_nothing_behind() {
    let desk = Desk::new();
    check_refusal(&desk.load("store", &["missing.jsonl"]), &["cannot read missing.jsonl"]);
    check_refusal(&run(&mut desk.rollcall("export", "store", &[])), &["there is no store in store", "--data DIR"]);
    assert_eq!(fs::read_dir(desk.0.path()).unwrap().count(), 0);
    desk.write("people.jsonl", "{\"db_id\": 1}\n");
    check_refusal(&desk.load("store", &["--world", "missing.toml", "people.jsonl"]), &["missing.toml"]);
    said(&desk.load("store", &["people.jsonl"]));
    check_refusal(&run(&mut desk.rollcall("export", "store", &["no/out.jsonl"])), &["cannot write no/out.jsonl.part"]);
}

#[test]
fn a_folder_that_a_server_has_open_is_refused() {
    let (place, desk) = (Place::new(), Desk::new());
    let _server = place.start();
    let data = place.data();
    let data = data.to_str().unwrap();
    desk.write("people.jsonl", "{\"db_id\": 1}\n");
    check_refusal(&desk.load(data, &["people.jsonl"]), &[data, "is in use"]);
    check_refusal(&run(&mut desk.rollcall("export", data, &[])), &[data, "is in use"]);
    assert!(!desk.path("people.jsonl.progress").exists());
}
