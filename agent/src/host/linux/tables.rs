//! Tables of nftables by nft(8).

use super::programs::NFT;
use crate::host::Fault;
use knarr_node::name::TableName;

/// Returns a table's listing, without the numbers of counters, which change by themselves.
pub(super) async fn table(name: &TableName) -> Result<Option<String>, Fault> {
    let output = NFT.run(&["--stateless", "list", "table", "inet", name.as_str()]).await?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("No such file") {
        return Ok(None);
    }
    let listing = NFT.good(&output)?.stdout.clone();
    String::from_utf8(listing).map(Some).map_err(|error| NFT.odd(&error.to_string()))
}

/// Source: nft(8), v1.0.6: `--check` judges without applying, and a file is one transaction.
pub(super) async fn load(script: &str) -> Result<(), Fault> {
    let checked = NFT.feed(&["--check", "--file", "-"], script.as_bytes()).await?;
    NFT.accepted(&checked)?;
    NFT.good(&NFT.feed(&["--file", "-"], script.as_bytes()).await?).map(drop)
}
