//! How long decoding takes, as a ratio to something real in the same run: XML to a bare scan of the same bytes by
//! `quick-xml`, JSON to `serde_json` into a plain typed struct.

fn main() {}
