//! The database of wg-meshconf, database.csv. Source: wg-meshconf, wg_meshconf/database_manager.py, KEY_TYPE.
//!
//! Its private and pre-shared keys go nowhere: each machine makes a key of its own when it is enrolled. The addresses of
//! its mesh are not kept either: Knarr gives others.

use super::csv;
use super::error::ImportError;
use super::record::Record;

/// By which columns a database is told from another list.
pub(super) const COLUMNS: [&str; 4] = ["Name", "Address", "Endpoint", "PrivateKey"];

/// What is taken; the rest is WireGuard's, or secret.
const TAKEN: [&str; 2] = ["Name", "Endpoint"];

/// Returns the machines.
pub(super) fn records(text: &str) -> Result<Vec<Record>, ImportError> {
    let mut records = csv::records(text)?;
    for record in &mut records {
        record.0.retain(|name, _| TAKEN.contains(&name.as_str()));
    }
    Ok(records)
}
