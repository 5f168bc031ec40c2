//! Where the knarrd that is copied to machines comes from: a static program for each architecture.

use crate::spec::Arch;
use knarr_node::name::{BadName, numeral};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

/// Where the package puts them, as knarrd-amd64 and knarrd-arm64.
const PACKAGE: &str = "/usr/lib/knarr";

/// No knarrd for an architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no knarrd for {arch} here; looked at {}", looked.join(", "))]
pub struct NoBinary {
    arch: Arch,
    looked: Vec<String>,
}

impl NoBinary {
    /// Says what the user can do, as one sentence without a full stop.
    pub fn help(&self) -> String {
        format!(
            "install the knarr package, or name a folder that has knarrd-{}: KNARR_KNARRD_DIR=FOLDER",
            self.arch
        )
    }
}

/// Finds knarrd for `arch`: in KNARR_KNARRD_DIR alone if that is set, else in the package's folder, else beside this program.
///
/// # Errors
/// When none of them is a program for `arch`.
pub fn find(arch: Arch) -> Result<PathBuf, NoBinary> {
    let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    let named = std::env::var_os("KNARR_KNARRD_DIR").map(PathBuf::from);
    among(arch, &places(arch, named, beside))
}

fn places(arch: Arch, named: Option<PathBuf>, beside: Option<PathBuf>) -> Vec<PathBuf> {
    let file = format!("knarrd-{arch}");
    match named {
        Some(folder) => vec![folder.join(file)],
        None => [Some(Path::new(PACKAGE).join(file)), beside.map(|folder| folder.join("knarrd"))]
            .into_iter()
            .flatten()
            .collect(),
    }
}

fn among(arch: Arch, places: &[PathBuf]) -> Result<PathBuf, NoBinary> {
    let found = places.iter().find(|place| machine(place) == Some(arch));
    let looked = || places.iter().map(|place| format!("`{}`", place.display())).collect();
    found.cloned().ok_or_else(|| NoBinary { arch, looked: looked() })
}

/// A version of Knarr, which `knarr` and `knarrd` have in common; ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// Returns the one of this program.
    pub fn own() -> Self {
        env!("CARGO_PKG_VERSION").parse().expect("the workspace has a plain version")
    }
}

impl From<[u32; 3]> for Version {
    fn from(numbers: [u32; 3]) -> Self {
        Self(numbers)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl FromStr for Version {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        // A version has one name only, for it names a folder of mirrors.
        let numbers: Option<Vec<u32>> = text.split('.').map(numeral).collect();
        let rule = "three numbers, e.g. 0.2.0";
        let bad = || BadName { what: "a version of Knarr", text: text.to_owned(), rule };
        numbers.and_then(|numbers| numbers.try_into().ok()).map(Self).ok_or_else(bad)
    }
}

/// Returns which version a knarrd for this machine says that it is.
pub fn version(program: &Path) -> Option<Version> {
    let said = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8(said.stdout).ok()?.trim().strip_prefix("knarrd ")?.parse().ok()
}

/// Returns the architecture of this machine, if machines can have it.
pub fn own_arch() -> Option<Arch> {
    Arch::of_uname(std::env::consts::ARCH)
}

/// Returns which architecture a program is for. Source: elf(5): magic, then e_machine at byte 18; EM_X86_64 is 62, EM_AARCH64 is 183.
fn machine(program: &Path) -> Option<Arch> {
    let mut head = [0_u8; 20];
    File::open(program).ok()?.read_exact(&mut head).ok()?;
    match (head.strip_prefix(b"\x7fELF")?, u16::from_le_bytes([head[18], head[19]])) {
        (_, 62) => Some(Arch::Amd64),
        (_, 183) => Some(Arch::Arm64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, machine: u8) -> PathBuf {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(64, 0);
        head[18] = machine;
        std::fs::write(folder.join(name), head).unwrap();
        folder.join(name)
    }

    #[test]
    fn a_program_for_another_architecture_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let [amd64, arm64] = [("a", 62), ("b", 183)].map(|(name, id)| program(folder.path(), name, id));
        let places = [folder.path().join("none"), arm64.clone(), amd64.clone()];
        assert_eq!(among(Arch::Amd64, &places), Ok(amd64));
        assert_eq!(among(Arch::Arm64, &places), Ok(arm64));
        std::fs::write(&places[0], "#!/bin/sh\n").unwrap();
        let error = among(Arch::Amd64, &places[..1]).unwrap_err();
        assert!(error.to_string().contains("/none`") && error.help().contains("knarrd-amd64"));
    }

    #[test]
    fn a_version_is_three_numbers_and_ordered_by_them() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.10.0") > version("0.9.12"));
        assert_eq!(version("1.2.3").to_string(), "1.2.3");
        for bad in ["v1.2.3", "1.2", "1.2.3.4", "1.02.3", "1.2.3-rc1", ""] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_named_folder_is_the_only_place() {
        let named = places(Arch::Arm64, Some("/x".into()), Some("/bin".into()));
        assert_eq!(named, [PathBuf::from("/x/knarrd-arm64")]);
        let usual = places(Arch::Amd64, None, Some("/bin".into()));
        assert_eq!(usual, ["/usr/lib/knarr/knarrd-amd64", "/bin/knarrd"].map(PathBuf::from));
    }
}
