//! Where the knarrd that is copied to machines comes from: a static program for each architecture.

use crate::spec::Arch;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

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
    fn a_named_folder_is_the_only_place() {
        let named = places(Arch::Arm64, Some("/x".into()), Some("/bin".into()));
        assert_eq!(named, [PathBuf::from("/x/knarrd-arm64")]);
        let usual = places(Arch::Amd64, None, Some("/bin".into()));
        assert_eq!(usual, ["/usr/lib/knarr/knarrd-amd64", "/bin/knarrd"].map(PathBuf::from));
    }
}
