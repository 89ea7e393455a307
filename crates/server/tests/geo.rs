//! `detect_geo`, from a file to a profile: both layouts, what fills nothing, files that change, and files that are hostile.
//! Ruling D11.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{Connection, GET, IMPORT, answer, authorised, call, json, post, program::rollcall, service};
use proptest::{collection::vec, prelude::*, sample::Index};
use rollcall_codec::format::Format;
use rollcall_model::place::Place;
use rollcall_server::{
    geo::{Geo, Places},
    service::Service,
};
use rollcall_testbed::server::{PATIENCE, Server};
use serde_json::{Value, json as value};
use std::{
    env, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Barrier},
    thread,
    time::Instant,
};

const LAYOUTS: [&str; 2] = ["maxmind.mmdb", "flat.mmdb"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/geo").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

fn places(name: &str) -> Places {
    Places::new(bytes(name)).unwrap()
}

fn at(places: &Places, address: &str) -> Place {
    places.at(address.parse().unwrap())
}

fn with_file(file: &Path) -> (Service, Arc<Geo>) {
    let geo = Arc::new(Geo::open(file).unwrap());
    (Service { geo: Arc::clone(&geo), ..service() }, geo)
}

/// The fields of a new profile with this `data`.
fn imported(service: &Service, detect_geo: bool, mut data: Value) -> Value {
    data["email"] = format!("{}@example.com", fastrand::u64(..)).into();
    let request = value!({ "email": data["email"], "detect_geo": detect_geo, "data": data });
    let answer = json(&post(service, IMPORT, &authorised(request)).body);
    assert_eq!(answer["error"], 0, "{answer}");
    stored(service, &answer)
}

fn stored(service: &Service, answer: &Value) -> Value {
    let request = authorised(value!({ "profile_id": answer["profile_id"] }));
    json(&post(service, GET, &request).body)["data"].clone()
}

#[test]
fn the_fixtures_are_what_their_script_makes() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(made) = Command::new("python3").arg(fixture("make.py")).arg(folder.path()).status() else {
        const LINE: &str =
            "NOT RUN: there is no python3 here, so nobody knows whether fixtures/geo is what its script makes";
        assert!(env::var_os("CI").is_none(), "{LINE}");
        return eprintln!("{LINE}");
    };
    assert!(made.success());
    for name in LAYOUTS {
        assert!(fs::read(folder.path().join(name)).unwrap() == bytes(name), "{name} is not what make.py makes");
    }
}

#[test]
fn both_layouts_say_the_same_of_a_place() {
    let moscow = Place {
        country: Some("RU".into()),
        region: Some("Moscow Oblast".into()),
        city: Some("Moscow".into()),
        time_zone: Some("Europe/Moscow".into()),
        postal_code: Some("101000".into()),
        latitude: Some(55.7522),
        longitude: Some(37.6156),
    };
    for name in LAYOUTS {
        assert_eq!(at(&places(name), "198.51.100.7"), moscow, "{name}");
        let iceland = at(&places(name), "2001:db8:1::7");
        assert_eq!((iceland.country.as_deref(), iceland.city.as_deref()), (Some("IS"), Some("Reykjavík")), "{name}");
        assert_eq!((iceland.latitude, iceland.longitude), (Some(64.15), Some(-21.95)), "{name}");
        for unknown in ["192.0.2.1", "2001:db8:2::1"] {
            assert_eq!(at(&places(name), unknown), Place::default(), "{name}");
        }
    }
}

#[test]
fn an_import_that_asks_for_it_gets_the_fields_of_its_addresses() {
    for name in LAYOUTS {
        let (service, _) = with_file(&fixture(name));
        let data = value!({ "_ip": "198.51.100.7", "_regip": "2001:db8:1::7", "custom_int": 5 });
        let profile = imported(&service, true, data.clone());
        let expected = value!({
            "_country": "RU", "_region": "Moscow Oblast", "_city": "Moscow", "_tz": "Europe/Moscow",
            "_postal_code": "101000", "_lat": 55.7522, "_lon": 37.6156, "_regcountry": "IS", "_regcity": "Reykjavík",
            "_ip": "198.51.100.7", "_regip": "2001:db8:1::7", "custom_int": 5,
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&profile[field], value, "{name}: {field}");
        }
        assert_eq!(imported(&service, false, data).get("_country"), None, "{name}: not asked for");
    }
}

#[test]
fn xml_asks_for_places_too_and_an_ipv4_address_may_be_written_as_ipv6() {
    let (service, _) = with_file(&fixture("maxmind.mmdb"));
    let body = format!(
        "<xml><token>{}</token><db_id>1</db_id><email>a@example.com</email><detect_geo>true</detect_geo>\
         <data><email>a@example.com</email><_ip>::ffff:198.51.100.7</_ip></data></xml>",
        common::TOKEN
    );
    let imported = answer(&service, call(IMPORT, Format::Xml, body.as_bytes()));
    assert_eq!(imported.code.number(), 0);
    let found = json(&post(&service, GET, &authorised(value!({ "email": "a@example.com" }))).body);
    assert_eq!(found["data"]["_city"], "Moscow");
}

#[test]
fn what_the_request_says_itself_goes_before_the_place() {
    let (service, _) = with_file(&fixture("maxmind.mmdb"));
    let profile = imported(&service, true, value!({ "_ip": "198.51.100.7", "_city": "Tver", "_region": null }));
    assert_eq!((&profile["_city"], &profile["_country"]), (&value!("Tver"), &value!("RU")));
    assert_eq!(profile.get("_region"), None);
}

#[test]
fn a_place_goes_before_what_was_stored() {
    let (service, _) = with_file(&fixture("maxmind.mmdb"));
    let import = |data: Value| {
        let request = value!({ "email": "a@example.com", "detect_geo": true, "data": data });
        stored(&service, &json(&post(&service, IMPORT, &authorised(request)).body))
    };
    assert_eq!(import(value!({ "_city": "Tver" }))["_city"], "Tver");
    assert_eq!(import(value!({ "_ip": "198.51.100.7" }))["_city"], "Moscow");
    assert_eq!(import(value!({ "_fname": "Ann" }))["_city"], "Moscow", "no address, no place");
}

#[test]
fn addresses_without_a_place_fill_nothing_and_are_no_error() {
    let (service, _) = with_file(&fixture("maxmind.mmdb"));
    for address in ["10.0.0.1", "fd00::1", "127.0.0.1", "::1", "192.0.2.1", "2001:db8:2::1", "203.0.113.7"] {
        let profile = imported(&service, true, value!({ "_ip": address, "_regip": address }));
        for filled in ["_country", "_region", "_city", "_tz", "_postal_code", "_lat", "_lon", "_regcountry", "_regcity"]
        {
            assert_eq!(profile.get(filled), None, "{address}: {filled}");
        }
    }
}

#[test]
fn a_file_is_read_again_and_stays_where_the_new_one_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("geo.mmdb");
    fs::write(&file, bytes("flat.mmdb")).unwrap();
    let (service, geo) = with_file(&file);
    let country = |address: &str| imported(&service, true, value!({ "_ip": address }))["_country"].clone();
    // Only the other file knows this one.
    let german = "198.51.100.200";
    assert_eq!(country(german), Value::Null);
    let put = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        geo.reload(&file);
    };
    put(&bytes("maxmind.mmdb"));
    assert_eq!(country(german), "DE");
    put(b"no geo file");
    assert_eq!(country(german), "DE", "the one before stays");
    fs::remove_file(&file).unwrap();
    geo.reload(&file);
    assert_eq!(country(german), "DE", "though there is none any more");
    put(&bytes("flat.mmdb"));
    assert_eq!(country(german), Value::Null);
}

#[test]
fn no_request_is_dropped_while_the_file_is_exchanged() {
    let (service, geo) = with_file(&fixture("maxmind.mmdb"));
    let together = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            together.wait();
            (0..200).for_each(|_| geo.reload(&fixture("maxmind.mmdb")));
        });
        together.wait();
        for _ in 0..200 {
            assert_eq!(imported(&service, true, value!({ "_ip": "198.51.100.7" }))["_city"], "Moscow");
        }
    });
}

#[test]
fn a_server_without_a_file_says_once_that_it_fills_nothing() {
    let server = Server::start(rollcall().args(["--memory", "--listen", "127.0.0.1:0"])).unwrap();
    let mut client = Connection::open(server.address).unwrap();
    for _ in 0..3 {
        let data = value!({ "email": "a@example.com", "_ip": "198.51.100.7" });
        let request = authorised(value!({ "email": "a@example.com", "detect_geo": true, "data": data }));
        assert_eq!(client.post(IMPORT, &request).unwrap().json()["error"], 0);
    }
    let found = client.post(GET, &authorised(value!({ "email": "a@example.com" }))).unwrap().json();
    assert_eq!(found["data"].get("_city"), None);
    assert_eq!(server.log().matches("give --geo FILE").count(), 1, "{}", server.log());
    server.stop().unwrap();
}

#[test]
fn a_server_reads_its_file_again_at_sighup() {
    let mut command = rollcall();
    command.args(["--memory", "--listen", "127.0.0.1:0"]).env("RUST_LOG", "info");
    let server = Server::start(command.env("ROLLCALL_GEO", fixture("maxmind.mmdb"))).unwrap();
    assert_eq!(server.log().matches("the geo file was read").count(), 0, "only a file that has changed");
    let signalled = Command::new("kill").args(["-s", "HUP", &server.pid().to_string()]).status().unwrap();
    assert!(signalled.success());
    let begin = Instant::now();
    while !server.log().contains("the geo file was read") {
        assert!(begin.elapsed() < PATIENCE, "{}", server.log());
        thread::yield_now();
    }
    let mut client = Connection::open(server.address).unwrap();
    let data = value!({ "email": "a@example.com", "_ip": "198.51.100.7" });
    client.post(IMPORT, &authorised(value!({ "email": "a@example.com", "detect_geo": true, "data": data }))).unwrap();
    let found = client.post(GET, &authorised(value!({ "email": "a@example.com" }))).unwrap().json();
    assert_eq!(found["data"]["_city"], "Moscow");
    server.stop().unwrap();
}

#[test]
fn a_server_does_not_start_with_a_file_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("geo.mmdb");
    let refusal = |file: &Path| Geo::open(file).unwrap_err().to_string();
    assert!(refusal(&file).contains("geo.mmdb: No such file"), "{}", refusal(&file));
    assert!(refusal(folder.path()).contains("not a file"), "{}", refusal(folder.path()));
    fs::write(&file, "no geo file").unwrap();
    assert!(refusal(&file).starts_with("cannot use geo file "), "{}", refusal(&file));
}

/// Asks for addresses in all parts of the tree: what it says is not looked at, only that it comes to an end.
fn ask(bytes: Vec<u8>) {
    let Ok(places) = Places::new(bytes) else { return };
    for address in ["198.51.100.7", "198.51.100.200", "203.0.113.7", "2001:db8:1::7", "::1", "ffff::", "10.0.0.1"] {
        let _anything_is_fine = places.at(address.parse().unwrap());
    }
}

/// Where the first record begins.
fn data_section(bytes: &[u8]) -> usize {
    let separator = bytes.windows(16).position(|window| window == [0; 16]).unwrap();
    separator + 16
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_or_says_less() {
    for name in LAYOUTS {
        let whole = bytes(name);
        (0..whole.len()).for_each(|length| ask(whole[..length].to_vec()));
    }
}

#[test]
fn pointers_that_lead_round_and_sizes_beyond_the_file_say_nothing() {
    let whole = bytes("maxmind.mmdb");
    let begin = data_section(&whole);
    assert!(at(&places("maxmind.mmdb"), "198.51.100.7").city.is_some());
    let hostile: &[&[u8]] = &[
        &[0x20, 0x00],                                     // a pointer to itself
        &[0x20, 0x02, 0x20, 0x00],                         // two that point to each other
        &[0xe1, 0x42, b'c', b'i', 0x20, 0x00],             // an object that holds itself
        &[0xe1, 0x44, b'c', b'i', b't', b'y', 0x20, 0x00], // under the name that is looked for
        &[0xff, 0xff, 0xff, 0xff],                         // an object of 16 million members
        &[0x5f, 0xff, 0xff, 0xff],                         // a text of 16 million bytes
        &[0x1f, 0x04, 0xff, 0xff, 0xff],                   // a list of 16 million items
        &[0x38, 0xff, 0xff, 0xff, 0xff],                   // a pointer far beyond the end
    ];
    for record in hostile {
        let mut damaged = whole.clone();
        damaged[begin..begin + record.len()].copy_from_slice(record);
        let places = Places::new(damaged).unwrap();
        assert_eq!(at(&places, "198.51.100.7").city, None, "{record:02x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_make_it_panic_or_hang(
        name in prop::sample::select(LAYOUTS.to_vec()), damages in vec((any::<Index>(), any::<u8>()), 1..12)
    ) {
        let mut damaged = bytes(name);
        for (place, byte) in damages {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        ask(damaged);
    }

    #[test]
    fn bytes_that_were_never_a_file_are_refused_or_say_nothing(mut bytes in vec(any::<u8>(), 0..400), marked: bool) {
        if marked {
            let marker = b"\xab\xcd\xefMaxMind.com";
            let place = bytes.len() / 2;
            bytes.splice(place..place, marker.iter().copied());
        }
        ask(bytes);
    }

    #[test]
    fn an_address_in_a_known_network_has_its_place(last in 0u8..128) {
        let address: IpAddr = [198, 51, 100, last].into();
        let place = places("flat.mmdb").at(address);
        prop_assert_eq!(place.country.as_deref(), Some("RU"));
    }
}
