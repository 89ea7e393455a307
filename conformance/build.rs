//! Builds the program again when a data file comes or goes: the compiler itself sees only those that change.

fn main() {
    for folder in ["cases", "spec", "../fixtures"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
