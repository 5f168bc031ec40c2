//! A reader under libFuzzer: the one that READER names; without a name it prints all of them. SEEDS is a folder that gets the
//! inputs that are known.
#![no_main]

mod readers;

use readers::{READERS, Reader};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, fs, process};

static CHOSEN: OnceLock<Reader> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: choose(), |bytes: &[u8]| {
    (CHOSEN.get().expect("libFuzzer begins with init").read)(bytes);
});

fn choose() {
    let name = env::var("READER").unwrap_or_default();
    let Some(reader) = Reader::named(&name) else {
        READERS.iter().for_each(|reader| println!("{}", reader.name));
        process::exit(i32::from(!name.is_empty()));
    };
    CHOSEN.get_or_init(|| reader);
    if let Some(folder) = env::var_os("SEEDS").map(PathBuf::from) {
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (n, path) in reader.inputs().into_iter().enumerate() {
            fs::copy(path, folder.join(format!("seed-{n}"))).expect("an input can be copied");
        }
    }
}
