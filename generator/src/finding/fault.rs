//! Every finding: its code, weight, message and what to type. Codes are stable and never used twice.

use super::Severity;
use crate::binary;
use crate::k3s::Version;
use crate::spec::Arch;
use ipnet::{IpNet, Ipv4Net};
use knarr_node::item::Minor;
use knarr_node::name::{AbsPath, BadName, KeyId, NodeName, RepoPath};
use knarr_node::net::{MeshIp, WgKey};
use std::net::IpAddr;

faults! {
    /// The file is no YAML.
    ///
    /// What cannot be read says nothing, and no other finding is made of what it lacks.
    KN0101 Error BadYaml {
        /// What the parser says.
        why: String,
    } = "{why}", "write it as YAML 1.2: two spaces a level, `key: value`";
    /// A key that does not exist here.
    ///
    /// Passed over in silence, it would be a setting that you believe in and that does not hold.
    KN0102 Error UnknownKey {
        /// The key.
        key: String,
        /// What it may have meant, or which keys there are.
        hint: String,
    } = "unknown key `{key}`", "{hint}";
    /// A key that must be there.
    ///
    /// It has no value that would be right for everybody.
    KN0103 Error MissingKey {
        /// The key.
        key: String,
    } = "the key `{key}` is missing", "add `{key}: …`";
    /// A value of another kind than its key takes.
    ///
    /// Nobody guesses what was meant: `nat: yes` is a text in YAML 1.2, and true in YAML 1.1.
    KN0104 Error WrongValue {
        /// What was found.
        found: String,
        /// What the key takes.
        expected: String,
    } = "{found} is not {expected}", "write {expected} here";
    /// A key that is there twice.
    ///
    /// Readers of YAML differ in which of the two counts.
    KN0105 Error DuplicateKey {
        /// The key.
        key: String,
    } = "the key `{key}` is there twice", "keep one of them";
    /// A file with bytes that are no text.
    KN0106 Error NotUtf8 {} = "the file is not UTF-8 text", "save it as UTF-8, without a byte order mark of UTF-16";
    /// A symbolic link, a folder or a device where a file is expected.
    ///
    /// A link may lead out of the repository, to bytes that nobody signed.
    KN0107 Error NoFile {} = "this is no file but a symbolic link, a folder or a device", "put the file itself here: links may lead out of the repository";
    /// A format of another version.
    ///
    /// One format holds for the whole repository; an older program would misread what a newer one wrote.
    KN0108 Error WrongFormat {
        /// The number found.
        found: u32,
    } = "this knarr reads format 1, and the repository says format {found}", "write `format: 1`, or install a knarr that reads format {found}";
    /// A word that does not follow its rule.
    ///
    /// Words become names of files, hosts, units and objects, each with rules of its own: what breaks one would fail on the machines.
    KN0109 Error BadWord {
        /// The rule that it breaks.
        bad: BadName,
    } = "{bad}", "change it to fit the rule";
    /// A file whose name is no name.
    ///
    /// The folder is the kind and the file's name is the name, so neither stands within the file.
    KN0110 Error BadFileName {
        /// The rule that it breaks.
        bad: BadName,
    } = "the file's name is the thing's name, and {bad}", "rename the file";
    /// No `cluster.yaml`.
    ///
    /// It says what is true of the whole cluster, and marks the top of its repository.
    KN0111 Error NoCluster {} = "there is no cluster.yaml", "make a repository with `knarr new NAME`";
    /// A file that is larger than a State should carry.
    ///
    /// It travels to machines within their State, and git keeps every version for ever.
    KN0112 Error TooLarge {
        /// Its size in bytes.
        size: u64,
    } = "the file has {size} bytes, and 1 MiB is the most", "let a unit download what is large";
    /// A file that its folder does not expect.
    ///
    /// With a misspelt ending, a machine or a person would be missing without a word.
    KN0113 Error StrayFile {
        /// What files there are called.
        expected: &'static str,
    } = "files here are called {expected}", "rename the file, or move it elsewhere";

    /// A merge that was not finished.
    ///
    /// Such lines in a file for machines would be written to their disks as they are.
    KN0114 Error Conflicted {} = "git left conflict marks here: a merge is not finished", "keep one side or both, and take out the lines that begin with <<<<<<<, ======= and >>>>>>>";

    /// A name that every machine has for something else.
    ///
    /// Machines and devices stand in /etc/hosts of every machine by their names.
    KN0115 Error ReservedName {
        /// The name.
        name: String,
    } = "`{name}` is the name of something else on every machine", "choose another name";

    /// A file of manifests that is larger than the objects of an app are.
    ///
    /// Whoever checks, renders or runs the repository reads all of it, and git keeps every version for ever.
    KN0116 Error LargeManifest {
        /// Its size in bytes.
        size: u64,
    } = "the file has {size} bytes, and 4 MiB is the most for manifests", "split it where a line says `---`, and leave out what this cluster does not use";
    /// A file where a folder is expected.
    ///
    /// All that would lie in it would be missing without a word.
    KN0117 Error NoFolder {} = "a folder is expected here, and this is a file", "move the file elsewhere; a folder that would be empty needs not be there";
    /// Two names that differ in capitals only.
    ///
    /// A clone on macOS or Windows has one of the two, and which one is chance.
    KN0118 Error CaseClash {
        /// The other name.
        other: String,
    } = "`{other}` has the same name but for capitals", "rename one of them";
    /// More files than Knarr reads.
    ///
    /// A limit keeps `knarr` fast and small whatever a branch of others brings: it reads 25,000 files and 64 MiB, which is
    /// some five times what five thousand machines need.
    KN0119 Error Endless {} = "there are more files here than knarr reads: 25,000, or 64 MiB", "move out of this folder what is not for Knarr";
    /// YAML that takes too much to read.
    ///
    /// With aliases a few lines can stand for billions of values, and whoever checks a branch of others reads it. The limits
    /// of a file are 250,000 values, what an alias repeats counted each time, 64 lists and maps within each other, 1,024
    /// documents, and, from a hundred aliases on, ten to an anchor.
    KN0120 Error MuchYaml {
        /// Of what it has too much.
        what: String,
    } = "the file has {what}: that is too much to read", "split it where a line says `---`, and write out what aliases repeat";

    /// No public SSH key.
    ///
    /// sshd and git would not take it: nobody could log in or sign with it.
    KN0201 Error BadSshKey {
        /// What is wrong with it.
        why: String,
    } = "this is no SSH key to use: {why}", "paste one line of a .pub file, e.g. `ssh-ed25519 AAAAC3… me@laptop`";
    /// No age recipient.
    ///
    /// Secrets could not be encrypted to it.
    KN0202 Error BadAgeRecipient {} = "this is not an age recipient", "write `age1…`, which `age-keygen -y FILE` prints";
    /// No WireGuard key.
    ///
    /// No tunnel with it would come up.
    KN0203 Error BadWireguardKey {} = "this is not a WireGuard public key", "run `knarr node refresh NAME`, which asks the machine: base64 of 32 bytes";
    /// No digest of a machine id.
    ///
    /// By the hash of /etc/machine-id a machine knows its own file, and a cloned disk is refused.
    KN0204 Error BadMachine {} = "this is not a machine's fingerprint", "run `knarr node refresh NAME`, which asks the machine: 64 of 0-9 and a-f";
    /// Two machines with one key.
    ///
    /// Machines are told apart by their keys; the same key twice is a cloned disk or a slip while pasting.
    KN0205 Error SameKey {
        /// Which key.
        key: &'static str,
        /// The other file.
        other: RepoPath,
    } = "{other} has the same {key} key", "each machine has its own: run `knarr node refresh NAME` for the one that is wrong";
    /// Nobody signs.
    ///
    /// Machines follow only commits that a signer signed or approved.
    KN0206 Error NoSigner {} = "nobody may sign, so no machine would follow a commit", "name a person: `signers: [NAME]`";
    /// A signer, or the owner of a device, who is nobody.
    ///
    /// Who has no file has no key either, by which a signature could be checked.
    KN0207 Error PersonUnknown {
        /// The name.
        name: String,
        /// Who may have been meant.
        hint: String,
    } = "there is no people/{name}.yaml", "{hint}";
    /// A signer who cannot sign.
    ///
    /// Signatures are checked with the public keys of the signer's file.
    KN0208 Error SignerWithoutKey {
        /// The name.
        name: String,
    } = "{name} is a signer and has no key", "add a public SSH key under `keys` in people/{name}.yaml";
    /// Something that names a machine, and there is none.
    KN0209 Error UnknownNode {
        /// The name.
        name: String,
        /// Which may have been meant.
        hint: String,
    } = "`{name}` is no machine of this cluster", "{hint}";
    /// Only one identity opens the secrets.
    ///
    /// Whoever loses the only identity can read no secret any more, nor encrypt it for a new machine.
    KN0210 Warning FewRecipients {
        /// How many there are.
        count: usize,
    } = "{count} identity can open secrets/: when it is lost, so are they", "add a second age recipient under `decrypt`: another person's, or a recovery key on paper";
    /// Nobody but one signs.
    ///
    /// Machines would go on as they are, and only a hand on each of them could make them follow somebody else.
    KN0211 Warning FewSigners {} = "one key can sign and there is no recovery signer: when it is lost, no machine follows anybody", "set `trust.recovery`, or add a signer";
    /// Two people with one address.
    KN0212 Error SameEmail {
        /// The other file.
        other: RepoPath,
    } = "{other} has the same email", "each person has an own address: signatures are told apart by it";
    /// Two people with one key.
    KN0213 Error SameSshKey {
        /// The other file.
        other: RepoPath,
    } = "{other} has the same SSH key", "each person has own keys: a signature must say who signed";
    /// A login that services of the system have.
    ///
    /// A service that is broken into would be a person with sudo.
    KN0214 Error SystemAccount {
        /// The login name.
        login: String,
    } = "`{login}` is an account of the system: its services would get your keys and sudo", "choose a name of your own, or root";
    /// A machine that people may not log in to, while they may elsewhere.
    ///
    /// knarrd heals what it can; for the rest somebody must get in.
    KN0215 Warning NoLogin {} = "people may log in to other machines, and nobody to this one", "add it under `access` in people/NAME.yaml, or write `nodes: all` there";
    /// A person whose time is over.
    ///
    /// sshd refuses this person's keys after the last day, by each machine's clock. To sign and to open secrets/ has no such clock:
    /// both end with a commit, and values that were read once are known.
    KN0216 Warning PersonExpired {
        /// The last day.
        until: String,
        /// What this person may still do.
        left: String,
    } = "no machine lets this person in any more: the last day was {until}{left}", "write a later day, or: knarr people remove NAME";
    /// A machine that only people may log in to whose time is over.
    ///
    /// knarrd heals what it can; for the rest somebody must get in.
    KN0217 Warning NoLoginLeft {
        /// Who might.
        names: String,
    } = "nobody can log in to this machine: the last day of {names} is over", "write a later day, or give somebody else `access`";
    /// A signer, the owner of a device, or one who may open a secret, who left.
    ///
    /// Who left may nothing. A branch from before, merged since, may still name them.
    KN0218 Error PersonLeft {
        /// The name.
        name: String,
    } = "{name} left: people/{name}.yaml says `removed: true`", "take the name out here; for somebody who is back, write that file anew: email and keys";
    /// A machine that has another key than its file says.
    ///
    /// Machines find each other by these keys: with another one, all would lose their tunnel to it.
    KN0231 Warning OtherKey {
        /// The machine.
        node: NodeName,
        /// The key that it has.
        says: WgKey,
    } = "{node} itself says its key is {says}: others would lose it", "knarr node refresh {node}";

    /// A file with no source or several.
    ///
    /// Two sources would leave open which bytes count.
    KN0301 Error OneSource {} = "a file has exactly one of `from`, `text` and `secret`", "keep one of them";
    /// A source that is not there.
    KN0302 Error NoSuchFile {
        /// The path.
        path: String,
        /// What may have been meant.
        hint: String,
    } = "there is no file `{path}` in the repository", "{hint}";
    /// A source that is no text.
    ///
    /// A State is YAML, which holds text.
    KN0303 Error NotText {
        /// The path.
        path: String,
    } = "`{path}` is not UTF-8 text", "keep binary files out of host/: let a unit download them, or make it a secret";
    /// A source outside host/.
    ///
    /// host/ is what machines get; the other folders are for Knarr to read.
    KN0304 Error OutsideHost {
        /// The path.
        path: String,
    } = "`{path}` is not below host/", "move the file to host/ and write `from: host/…`";
    /// One path for two things.
    ///
    /// One would overwrite the other at each pass.
    KN0305 Error TwoThings {
        /// The place on the machine.
        path: AbsPath,
        /// What the other is, with its file.
        other: String,
    } = "{path} is also {other}", "give one of them another path";
    /// A path that belongs to Knarr.
    ///
    /// Two writers would undo each other's work at each pass.
    KN0306 Error OwnPath {
        /// The place on the machine.
        path: AbsPath,
    } = "{path} belongs to Knarr", "choose another path";
    /// A unit that reads what nobody here makes.
    ///
    /// A unit restarts when what it reads was changed by Knarr; other changes are not seen.
    KN0307 Warning NobodyMakes {
        /// The place on the machine.
        path: AbsPath,
    } = "nothing here makes {path}, so the unit never restarts for it", "add it to `host.files`, or take it out of `reads`";
    /// A secret that is not there.
    KN0308 Error NoSecret {
        /// Its name.
        name: String,
        /// Which may have been meant.
        hint: String,
    } = "there is no secrets/{name}.age", "{hint}";
    /// A unit with two sources.
    KN0309 Error UnitTwice {} = "a unit has `from` or `text`, not both", "keep one of them, or none for a unit of the distribution";
    /// A path below a path that is a file.
    KN0310 Error BelowFile {
        /// The place on the machine.
        path: AbsPath,
        /// The file above it.
        above: AbsPath,
    } = "{path} lies below {above}, which is a file", "give one of them another path";
    /// A secret in the clear.
    ///
    /// Git keeps what was ever committed, and every machine fetches it.
    KN0311 Error NotEncrypted {
        /// Its name.
        name: String,
    } = "this is no age file: a secret may stand here in the clear", "knarr secret set {name}; and if it was ever committed, choose a new value";

    /// Secrets that others can open than people/ and `secrets` in cluster.yaml say.
    ///
    /// A file says whom it opens for since Knarr writes it there; of one that age wrote only their number is known. Who could open it
    /// once may have kept the value.
    KN0312 Warning OtherRecipients {
        /// How many identities open them.
        opens: String,
        /// How many they are for.
        named: usize,
        /// Their names.
        names: String,
    } = "these secrets open for {opens}, and people/ and cluster.yaml name {named}: {names}", "knarr secret rekey; and where somebody left, give what is worth it a new value: knarr secret set NAME";

    /// A Secret of Kubernetes in the clear.
    ///
    /// Git keeps what was ever committed, and every machine fetches it.
    KN0321 Error PlainSecret {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    } = "this Secret is in the clear: who reads the repository reads it", "knarr seal {name} --namespace {namespace} KEY -, then delete this one; and if it was ever committed, choose new values";
    /// Something else among sealed Secrets.
    KN0322 Error NotSealed {
        /// What it is.
        kind: String,
    } = "this is no SealedSecret but `{kind}`", "move it to the folder of an app: sealed/ holds only SealedSecrets";
    /// A sealed Secret in the folder of another namespace.
    ///
    /// A value of strict scope opens only under the name and in the namespace that it was sealed for.
    KN0323 Error OtherNamespace {
        /// The namespace that it has, as it is said.
        found: String,
        /// The folder's.
        folder: String,
    } = "the namespace is {found}, and the folder is that of `{folder}`", "write `namespace: {folder}`, or move the file; values of strict scope must then be sealed anew: knarr seal";
    /// A value that nobody sealed.
    ///
    /// Git keeps what was ever committed, and every machine fetches it.
    KN0324 Error NoSealedValue {
        /// Its key.
        key: String,
    } = "`{key}` is no sealed value: it may stand here in the clear", "seal it with `knarr seal`; and if it was ever committed, choose a new value";
    /// A certificate that nothing can be sealed with.
    ///
    /// What is sealed with another certificate than that of the cluster's key opens nowhere.
    KN0325 Error BadCertificate {
        /// What is wrong with it.
        why: String,
    } = "this is no certificate to seal with: {why}", "take an earlier one: git log -- secrets/sealing.crt";
    /// Values under an older key.
    ///
    /// It still opens them. But it stays in the cluster for their sake, and whoever got hold of it reads them.
    KN0326 Warning RetiredKey {
        /// The key.
        key: String,
        /// The file.
        path: RepoPath,
    } = "a key that seals no more sealed this: {key}", "knarr reseal {path}";
    /// Values under a key that nobody here has.
    ///
    /// The cluster's controller has the keys of this repository and no others, so it cannot open them.
    KN0327 Error UnknownSealingKey {
        /// The key.
        key: String,
    } = "the key that sealed this is none of secrets/sealing.crt: {key}", "bring it with `knarr sealing-key import`, or seal the values anew: knarr seal";
    /// A certificate that seals for a month at most.
    ///
    /// Nothing is sealed after its last day. What was sealed opens for ever.
    KN0328 Warning CertificateEnds {
        /// Its last day.
        until: String,
    } = "the newest sealing key seals until {until}", "knarr sealing-key rotate";
    /// Values in another place than they were sealed for.
    ///
    /// A value of strict scope opens under the name and in the namespace that it was sealed for, a namespace-wide one in the namespace.
    KN0329 Error Moved {
        /// What it was sealed for.
        sealed: String,
        /// What it is called now.
        here: String,
    } = "this was sealed for {sealed} and opens nowhere else, also not as {here}", "give it back its name and namespace, or seal the values for this one: knarr seal";
    /// Two sealed Secrets for one Secret.
    ///
    /// To Kubernetes both are one object: the one that was applied last counts, and values that only the other has are gone.
    KN0330 Error TwoSealed {
        /// The Secret.
        secret: String,
        /// The other place.
        other: String,
    } = "the Secret {secret} is sealed a second time here: it is also in {other}", "delete one of the two, and give the other what it lacks: knarr seal set {secret} KEY -";
    /// Secrets that somebody could read who left, and that are as they were.
    ///
    /// Who could read a value may have kept it, and each clone keeps what older commits hold: only a new value helps.
    KN0331 Warning Unchanged {
        /// How many, in words.
        count: Box<str>,
        /// The first of them.
        names: Box<str>,
        /// What changes the first.
        command: Box<str>,
    } = "this person left, and could read {count} that did not change since: {names}", "{command}; and what is no secret any more, take out of `unchanged`";
    /// Somebody who may open a secret, and is neither a person nor in a group.
    ///
    /// The secret would be encrypted to fewer people than you believe.
    KN0332 Error UnknownOpener {
        /// The word.
        name: String,
        /// Who may have been meant.
        hint: String,
    } = "there is no people/{name}.yaml, and nobody is in a group `{name}`", "{hint}";
    /// A group with the name of a person.
    ///
    /// `secrets` in cluster.yaml names both, and would mean two things by one word.
    KN0333 Error GroupIsPerson {
        /// The name.
        name: String,
    } = "`{name}` is a person, too", "give the group another name";
    /// A secret that nobody could open.
    ///
    /// It could not be encrypted to anybody: what it holds would be lost with its next value.
    KN0334 Error NobodyOpens {
        /// The secret.
        name: String,
    } = "nobody whom this names has `decrypt`, so nobody could open `{name}`", "name somebody with an `age1…` under `decrypt` in people/NAME.yaml";
    /// A sealing key in the cluster that the repository has not.
    ///
    /// Somebody made it there. If it is the newest, kubeseal fetches its certificate, and what that seals is lost with the cluster.
    KN0335 Warning StrangeSealingKey {
        /// The key.
        key: KeyId,
    } = "the cluster uses a sealing key that is not in this repository: {key}", "kubectl -n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o json | knarr sealing-key import -";

    /// A repository that is newer than this program.
    ///
    /// An older one would render what it does not know away, and machines would follow.
    KN0341 Error OldKnarr {
        /// The version that it asks for.
        needs: binary::Version,
        /// The version of this program.
        own: binary::Version,
    } = "this repository needs knarr {needs}, and this is knarr {own}", "install knarr {needs} or a newer one; `git log -- knarr.lock` says who asked for it";

    /// An output that a person changed.
    ///
    /// Outputs follow from the files that people write: a render would lose the edit, so none overwrites it.
    KN0401 Error Edited {
        /// The output.
        path: RepoPath,
        /// The lines that were taken out and put in.
        edit: String,
        /// The files that say it.
        sources: String,
    } = "somebody edited this file, which `knarr render` writes:{edit}", "to keep the edit, say it in {sources}; then, or to drop it: knarr render --discard {path}";
    /// A file among the outputs that no render wrote.
    ///
    /// It may be somebody's work in the wrong place, or left over by a merge.
    KN0402 Error Foreign {
        /// The file.
        path: RepoPath,
    } = "no render wrote this file", "move it out of rendered/, or delete it: knarr render --discard {path}";
    /// Outputs that are not what the files say now.
    ///
    /// Machines do what rendered/ says, not what the files say that people write.
    KN0403 Error NotRendered {
        /// How many.
        count: usize,
    } = "outputs that are not what the files say now: {count}, this is the first", "knarr render";

    /// A machine without a role.
    KN0501 Error NoRole {} = "nothing says what this machine is to K3s", "write `roles: [server]` or `roles: [agent]`";
    /// Two roles.
    KN0502 Error TwoRoles {} = "a machine has one role: a server runs pods too", "write `roles: [server]` or `roles: [agent]`";
    /// Machines, and no server among them.
    ///
    /// Agents join through a server.
    KN0503 Error NoServer {} = "no machine is a server, so there would be no API", "write `roles: [server]` in one of nodes/";
    /// As many servers as one less would do for.
    ///
    /// etcd goes on while more than half of its members answer: of four one may fail, as of three, and there are more that can fail.
    KN0504 Warning EvenServers {
        /// How many there are.
        count: usize,
        /// How many may fail.
        survives: usize,
        /// How many servers would do as well.
        fewer: usize,
        /// How many would survive one more.
        more: usize,
    } = "of {count} servers {survives} may fail, which is no more than of {fewer}", "have {more}, of which one more may fail, or {fewer}";
    /// A machine or device without an address in the mesh.
    ///
    /// Machines talk to each other, and K3s to K3s, by addresses in the mesh.
    KN0505 Error NoMeshAddress {
        /// Which one is free.
        hint: String,
    } = "this has no address in the mesh", "{hint}";
    /// An address that is none of the mesh's, or its first or last.
    KN0506 Error OutsideMesh {
        /// The address.
        ip: MeshIp,
        /// The mesh.
        network: Ipv4Net,
        /// Which one is free.
        hint: String,
    } = "{ip} is not a machine's address in {network}", "{hint}";
    /// Two with one address.
    ///
    /// WireGuard gives an address to one key only, so one of the two would be cut off.
    KN0507 Error SameAddress {
        /// The address.
        ip: MeshIp,
        /// The other file.
        other: RepoPath,
        /// Which one is free.
        hint: String,
    } = "{other} has the same mesh address {ip}", "{hint}";
    /// Networks that share addresses.
    ///
    /// A packet to an address of both would reach one of them only.
    KN0508 Error Overlap {
        /// One.
        one: Ipv4Net,
        /// The other.
        other: Ipv4Net,
    } = "{one} shares addresses with {other}", "choose networks apart from each other";
    /// An address, and behind NAT.
    KN0509 Error BothPlaces {} = "others reach a machine at its `address`, or it is behind NAT, not both", "take out `nat: true`, or `address`";
    /// Neither an address nor NAT.
    ///
    /// Others would not know where to send the first packet.
    KN0510 Error NoPlace {} = "nothing says how others reach this machine", "write `address: IP`, or `nat: true` when nobody can reach it from outside";
    /// A machine's own address among those of the cluster.
    KN0511 Error AddressInside {
        /// The address.
        address: IpAddr,
        /// The network of the cluster.
        network: Ipv4Net,
    } = "{address} lies in the cluster's own network {network}, and would be dialled through itself", "choose another network in cluster.yaml";
    /// A relay that nobody can dial.
    ///
    /// A relay forwards between machines that cannot dial each other, so both must be able to dial it.
    KN0512 Error HiddenRelay {
        /// Its name.
        name: NodeName,
        /// Which would do.
        hint: String,
    } = "`{name}` is behind NAT itself, so nobody can reach it", "{hint}";
    /// Two machines that cannot find each other.
    ///
    /// Neither can send the first packet to the other, so no tunnel comes up.
    KN0513 Error NoWay {
        /// The other one.
        other: NodeName,
        /// Which relay would do.
        hint: String,
    } = "this machine and `{other}` are both behind NAT, and neither has a relay", "{hint}";
    /// Something goes through a machine that was removed.
    ///
    /// A removed machine stops what Knarr started, its tunnels too.
    KN0514 Error GoneNode {
        /// Its name.
        name: NodeName,
    } = "`{name}` was removed", "name another machine";
    /// A relay for a machine that others can dial.
    KN0515 Warning NeedlessRelay {} = "others dial this machine itself, so it needs no relay", "take out `relay`";
    /// A port that is for the cluster only.
    KN0516 Error ClusterPort {
        /// The port, e.g. `udp/8472`.
        port: String,
        /// Whose it is.
        what: &'static str,
    } = "{port} is for {what} and believes whoever dials it", "take it out: nodes reach it over the mesh, and devices that `reach` it";
    /// sshd's port among those open to all.
    ///
    /// `open` is for everybody, so what `firewall.ssh` narrows is wide again.
    KN0517 Warning OpensSsh {} = "this opens sshd to the whole internet, whatever `firewall.ssh` says", "take it out, or write `firewall: {{ssh: anywhere}}` in cluster.yaml";
    /// SSH for the mesh only, and nobody in it.
    KN0518 Warning NobodyLogsIn {} = "sshd is for the mesh only, and no device reaches it: people would be locked out", "add a device: knarr peer add NAME --reach ssh";
    /// A directory that does not hold together for another reason.
    KN0519 Error BadMesh {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    } = "{why}", "{hint}";
    /// A device with a machine's name.
    KN0520 Error SameName {
        /// The machine's file.
        other: RepoPath,
    } = "{other} has the same name", "rename the device: in reports both would look alike";
    /// A device whose time is over.
    ///
    /// Machines drop a device after its last day, by their own clocks.
    KN0521 Warning Expired {
        /// The last day.
        until: String,
    } = "no machine lets this device in any more: its last day was {until}", "write a later day, or: knarr peer remove NAME";
    /// A device whose node cannot be dialled from elsewhere.
    ///
    /// A device dials this one node from wherever it is.
    KN0522 Warning HiddenVia {
        /// The node.
        name: NodeName,
    } = "`{name}` is behind NAT: the device reaches it only within its network", "let `via` name a machine with an address";
    /// A device's node that is another one to its devices.
    ///
    /// A device knows its node by address, port and key, and nothing tells it of a change.
    KN0523 Warning CutsDevices {
        /// Their names.
        names: String,
    } = "devices dial this machine by what their configuration says, and that is not true any more: {names}", "give each its configuration anew when this is shipped: knarr peer show NAME";
    /// A list of networks with nothing in it.
    KN0524 Error NoNetworks {} = "this list has no network", "write `ssh: mesh` when nobody from outside may dial sshd";
    /// A machine that does not forward.
    ///
    /// Without forwarding, pods reach nobody and devices only the node that they dial.
    KN0525 Error NoForwarding {} = "machines forward for pods, and for each other", "take it out: Knarr sets net.ipv4.ip_forward";

    /// An address within a network where the network itself is meant.
    ///
    /// One reader takes the address, another the network, and a third refuses both.
    KN0526 Error NotCanonical {
        /// What stands there.
        found: String,
        /// The network that holds it.
        network: IpNet,
    } = "`{found}` is an address within a network", "write {network}";
    /// A network without room.
    KN0527 Error SmallNetwork {
        /// The network.
        network: Ipv4Net,
    } = "{network} has fewer than 256 addresses", "write one with at most 24 behind the slash, e.g. 10.210.0.0/16";
    /// More machines than pods have networks for.
    ///
    /// Kubernetes gives each machine a /24 of the pods' network when it joins; the machine without one never gets ready.
    KN0528 Error FewPodNetworks {
        /// The network of pods.
        network: Ipv4Net,
        /// For how many machines it is enough.
        room: usize,
        /// How many there are.
        machines: usize,
    } = "{network} has pod addresses for {room} machines, and there are {machines}: each takes a /24", "choose a larger network, e.g. 10.42.0.0/16; a cluster that is born keeps its own, and then needs another cluster";
    /// A network that Kubernetes does not start with.
    ///
    /// The API server takes at most 20 bits for Services, and a /24 for each machine makes a /8 the widest network of pods.
    KN0529 Error WideNetwork {
        /// The network.
        network: Ipv4Net,
        /// The least that may stand behind its slash.
        least: u8,
    } = "{network} is larger than Kubernetes takes here", "write {least} or more behind the slash";
    /// A network that has an owner elsewhere.
    ///
    /// Packets for these addresses go into the mesh or to pods, and never to who has them on the internet.
    KN0530 Warning PublicNetwork {
        /// The network.
        network: Ipv4Net,
    } = "{network} has addresses of the internet, which machines and pods would not find any more", "choose one within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10";
    /// Two machines that are dialled at one address.
    ///
    /// Each machine has the same WireGuard port, so packets for both arrive at one of them.
    KN0531 Error SamePlace {
        /// The address.
        address: IpAddr,
        /// The other file.
        other: RepoPath,
    } = "{other} has the same address {address}, and only one of them can answer there", "write each machine's own; behind one router one has the address, and the others `nat: true`";
    /// Servers far from each other.
    ///
    /// etcd answers a write when most servers have it on their disks: tens of milliseconds between regions slow the whole API, and elections begin.
    KN0532 Warning SpreadServers {
        /// Where they are.
        regions: String,
    } = "servers are in more than one region, {regions}: each write waits until most of them have it", "keep servers in one region; agents may be anywhere";
    /// A packet that the internet cuts in two.
    ///
    /// WireGuard adds 60 bytes over IPv4 and 80 over IPv6. What is then over 1500 is cut in two or lost, mostly in silence.
    KN0533 Warning WideMtu {
        /// The MTU.
        mtu: u32,
        /// What fits.
        most: u32,
    } = "packets of {mtu} bytes do not fit through the internet once WireGuard has wrapped them", "write at most {most}";
    /// A machine that was described and not enrolled.
    ///
    /// It has no keys yet, so nobody could talk to it: it counts neither as a server nor as a way to another machine.
    KN0534 Warning NotEnrolled {
        /// The machine.
        name: String,
    } = "`{name}` was not enrolled, so it is no part of the cluster yet", "knarr node add {name}";

    /// A machine that was enrolled, without its keys.
    ///
    /// Without them it would be a machine that was only described, and leave the cluster without a word.
    KN0535 Error LostKeys {
        /// The machine.
        name: String,
    } = "`{name}` was enrolled, and its keys are gone from this file", "git checkout HEAD -- nodes/{name}.yaml; to take it out of the cluster: knarr node remove {name}";

    /// A pin of two kinds at once.
    KN0601 Error TwoPins {} = "a version has one file for all architectures, or one for each", "keep `amd64` and `arm64`, or `sha256` and `from`";
    /// A version without digests.
    ///
    /// Machines run only what is pinned by its digest.
    KN0602 Warning NotPinned {
        /// The version.
        version: Version,
    } = "knarr.lock has no digest of K3s {version}, so machines get no Kubernetes", "knarr upgrade k3s {version}";
    /// A version without a digest for a machine's architecture.
    ///
    /// Machines run only what is pinned by its digest, and each architecture has its own file.
    KN0603 Warning NotForArch {
        /// The version.
        version: Version,
        /// The machine's architecture.
        arch: Arch,
    } = "knarr.lock has no digest of K3s {version} for {arch}, so this machine gets no Kubernetes", "knarr upgrade k3s {version}, with a mirror that has it";
    /// No authorities and no tokens.
    ///
    /// The tokens pin the authority, so that no machine joins a cluster that only claims to be yours.
    KN0604 Error NoMaterial {} = "the repository has no certificate authorities and tokens for K3s", "knarr upgrade k3s makes them";
    /// Some authorities and tokens, and others not.
    ///
    /// With a new one in its place, whoever knows the old one would not believe the cluster any more.
    KN0605 Error LostMaterial {
        /// The file.
        path: String,
    } = "{path} is missing, which K3s starts with", "take it from an earlier commit: git log -- {path}";
    /// A certificate that K3s does not take for its own.
    KN0606 Error BadAuthority {
        /// What is wrong with it.
        why: &'static str,
    } = "this is no certificate authority for K3s: {why}", "take it from an earlier commit: git log";
    /// A key that Knarr sets.
    ///
    /// What Knarr sets follows from the other files; another value would not fit them.
    KN0607 Error OwnSetting {
        /// The key.
        key: String,
        /// What to do instead.
        instead: &'static str,
    } = "`{key}` is Knarr's to set", "{instead}";
    /// A key that K3s does not know, which it would pass over in silence.
    KN0608 Error UnknownSetting {
        /// The key.
        key: String,
        /// What it may have meant.
        hint: String,
    } = "K3s does not know `{key}`, and would pass over it", "{hint}";
    /// A word that YAML 1.1 reads otherwise.
    ///
    /// One file would mean one thing here, and another thing on the machines.
    KN0609 Error OldYaml {
        /// The word.
        word: String,
        /// What K3s makes of it.
        reads: String,
    } = "K3s reads YAML 1.1, where `{word}` is {reads}", "put it in quotes if you mean the text \"{word}\", else write what you mean";
    /// A value of another kind than the key takes.
    KN0610 Error WrongSetting {
        /// The key.
        key: String,
        /// What it takes.
        takes: &'static str,
    } = "`{key}` takes {takes}", "write {takes}";
    /// Something that cannot change after the birth.
    ///
    /// What is chosen at the birth stands in the cluster's data and certificates, which no commit changes.
    KN0611 Error BornOtherwise {
        /// What it was born with.
        with: String,
        /// As it is now.
        now: String,
        /// What to do.
        procedure: &'static str,
    } = "this cluster was born with {with}, and the files say {now}", "{procedure}";
    /// A first server that is none.
    ///
    /// Other servers join the one that has the data; without it, they would be another cluster.
    KN0612 Error NoFounder {
        /// Its name.
        name: String,
    } = "`{name}` is no server of this cluster", "name a server that has the data: its /var/lib/rancher/k3s/server/db is not empty";
    /// More servers than the data allow.
    ///
    /// SQLite is a file of one server; several servers share their data by etcd.
    KN0613 Error OneServerOnly {
        /// How many there are.
        count: usize,
    } = "there are {count} servers, and this cluster was born with SQLite, which has one", "go from one server to three: docs/reliability.md#from-one-server-to-three";
    /// A step over a minor version of Kubernetes.
    ///
    /// Each minor version turns its data into the next one's form, and only from the one before. Compared is the commit that was pushed last,
    /// else the last one.
    KN0614 Error SkippedMinor {
        /// The version that machines follow.
        from: Version,
        /// The new one.
        to: Version,
        /// The minor version that comes first.
        first: String,
    } = "from {from} to {to} skips a minor version, which Kubernetes does not survive", "write a version of {first}, ship it, and then the next one: knarr upgrade k3s {first}";
    /// An older version than the one that machines follow.
    ///
    /// Kubernetes never goes back: a server refuses it until a snapshot of that time is restored, which needs this step as its first.
    KN0615 Warning OlderK3s {
        /// The version that machines follow.
        from: Version,
        /// The new one.
        to: Version,
    } = "{to} is older than {from}: servers refuse it until a snapshot is restored", "go on only with docs/reliability.md#going-back-to-a-snapshot";

    /// An app without manifests.
    KN0701 Error NoManifests {
        /// Its folder.
        path: String,
        /// Which may have been meant.
        hint: String,
    } = "there is no manifest in {path}", "{hint}";
    /// A namespace that is Argo CD's.
    KN0702 Error OwnNamespace {} = "the namespace `argocd` is Argo CD's own: who writes there commands it", "choose another namespace";
    /// One object twice.
    KN0703 Error TwoObjects {
        /// What it is.
        object: String,
        /// The other file.
        other: RepoPath,
    } = "{object} is also in {other}", "keep one of them: two apps would fight for it";
    /// A document that is no object.
    KN0704 Error NoObject {
        /// What it lacks.
        key: &'static str,
    } = "this is no object of Kubernetes: it has no `{key}`", "add `{key}`, or move the file out of the app's folder";
    /// Manifests in another folder.
    KN0705 Error OutsideApps {
        /// The folder.
        path: String,
    } = "`{path}` is not below apps/", "move the manifests to apps/NAME, and leave `path` out";
    /// A name without a domain.
    KN0706 Error NoDomain {
        /// The name.
        host: String,
    } = "`{host}` is a name below the cluster's domain, and the cluster has none", "write the whole name, e.g. {host}.example.org, or `domain:` in cluster.yaml";
    /// An app with the name of a folder of sealed/.
    ///
    /// Both would be Applications of one name in Argo CD.
    KN0707 Error SealedApp {
        /// The namespace.
        namespace: String,
    } = "this is the name of the Application for sealed/{namespace}/", "rename the app";
    /// Input of a tool.
    ///
    /// Argo CD takes the manifests as they stand here, and runs no tool over them.
    KN0708 Error NotPlain {
        /// The tool.
        of: &'static str,
    } = "this is input of {of}, and apps/ holds plain manifests", "write what {of} makes of it (kubectl kustomize, helm template) to a file here, and keep its input elsewhere";
    /// Manifests without an app.
    KN0709 Warning NoApp {
        /// The app's name.
        name: String,
    } = "no app names this folder, so nothing comes of it", "write apps/{name}.yaml: `namespace: {name}`";

    /// Apps, and no K3s.
    KN0710 Warning NothingRunsApps {} = "no machine runs K3s, so nothing runs this app", "write `k3s: {{version: …}}` in cluster.yaml, and: knarr upgrade k3s";
    /// No Argo CD.
    KN0711 Error NoArgocd {
        /// The line that is missing.
        line: String,
    } = "no Argo CD is pinned, so nothing would follow apps/", "add this line: {line}";
    /// Sealed Secrets that nothing opens.
    ///
    /// The controller opens only what was sealed for its key.
    KN0712 Error NoSealingKey {} = "there are sealed Secrets, and the repository has no key that opens them", "knarr sealing-key new, and seal them anew: knarr seal";

    /// Something that pods wait for, and nothing makes.
    ///
    /// Such a pod is not started, and Kubernetes says so only in its events.
    KN0713 Warning NothingGives {
        /// What it is.
        object: String,
        /// Which may have been meant, or how to make it.
        hint: String,
    } = "pods of this object wait for {object}, which nothing in the repository gives", "{hint}";
    /// A repository in one place only.
    ///
    /// One disk then holds the machine and all that could rebuild it.
    KN0731 Warning OnlyCopy {} = "the origin is on the machine that it describes: with its disk, all is lost", "knarr origin URL, with a place elsewhere";

    /// A label that is not people's.
    KN0721 Error OwnLabel {
        /// Its key.
        key: String,
    } = "the label `{key}` is set by K3s itself", "take it out, or choose a key of your own";
    /// A label of a kind that only Kubernetes defines.
    ///
    /// A key with a letter wrong is a label all the same: what selects by the right one passes over the machine.
    KN0723 Warning ReservedLabel {
        /// Its key.
        key: String,
        /// What it may have meant.
        hint: String,
    } = "nothing in Kubernetes knows the label `{key}`, and such names are reserved for it", "{hint}";
    /// A taint that comes and goes by itself.
    ///
    /// The controllers of Nodes take it away, or add it again, whatever the repository says.
    KN0724 Error OwnTaint {
        /// Its key.
        key: String,
    } = "the taint `{key}` is set and taken away by Kubernetes itself", "take it out, or choose a key of your own";
    /// One taint with two values.
    KN0722 Error TaintTwice {} = "a taint of this key and effect is there twice", "keep one of them: Kubernetes does";

    /// A field that the kind of an object does not have.
    ///
    /// Kubernetes refuses the object, or drops the field in silence.
    KN0801 Error NoField {
        /// The object's kind.
        kind: Box<str>,
        /// The field as a JSON pointer.
        pointer: Box<str>,
        /// What it may have meant.
        hint: Box<str>,
    } = "{kind} has no field {pointer}", "{hint}";
    /// A value of another kind than the field takes.
    KN0802 Error OtherValue {
        /// The field as a JSON pointer.
        pointer: Box<str>,
        /// What stands there.
        found: Box<str>,
        /// What it takes.
        takes: Box<str>,
        /// What to do.
        hint: Box<str>,
    } = "{pointer} is {found}, and takes {takes}", "{hint}";
    /// A field that must be there, and is not.
    KN0803 Error MissingField {
        /// The object's kind.
        kind: Box<str>,
        /// The field as a JSON pointer.
        pointer: Box<str>,
        /// What it takes.
        takes: Box<str>,
    } = "{kind} needs {pointer}", "add it: it takes {takes}";
    /// A kind under a version that Kubernetes has no more.
    KN0804 Error RemovedApi {
        /// The `apiVersion`.
        api: Box<str>,
        /// The kind.
        kind: Box<str>,
        /// The first minor version of Kubernetes without it.
        minor: u32,
        /// What to write instead.
        hint: Box<str>,
    } = "since 1.{minor}, Kubernetes has no {kind} of {api} any more", "{hint}";
    /// A kind that Kubernetes does not have, though its group is Kubernetes' own.
    KN0805 Error WrongKind {
        /// The `apiVersion`.
        api: Box<str>,
        /// The kind.
        kind: Box<str>,
        /// What it may have meant.
        hint: Box<str>,
    } = "Kubernetes has no {kind} of {api}", "{hint}";
    /// A kind that nothing here knows.
    ///
    /// Kubernetes refuses an object whose kind no CustomResourceDefinition of the cluster makes.
    KN0806 Warning Unchecked {
        /// The `apiVersion`.
        api: Box<str>,
        /// The kind.
        kind: Box<str>,
    } = "nothing here says which fields {kind} of {api} has, so its objects are not checked", "put its CustomResourceDefinition into an app's folder: they are checked by it";
    /// A cluster of another minor version than the fields that are known.
    ///
    /// Each minor version of Kubernetes has fields and kinds that others do not have.
    KN0807 Warning OtherMinor {
        /// The cluster's minor version.
        cluster: Minor,
        /// The one whose fields are known.
        known: u32,
    } = "manifests are checked as Kubernetes v1.{known} takes them, and this cluster has {cluster}", "look what changed between both: https://kubernetes.io/releases/";
    /// A word in a manifest that kubectl reads otherwise.
    ///
    /// kubectl reads YAML 1.1 and Knarr YAML 1.2: one file would mean one thing here, and another thing to who applies it by hand.
    KN0808 Error OldWord {
        /// The word.
        word: Box<str>,
        /// What kubectl makes of it.
        reads: Box<str>,
    } = "kubectl reads `{word}` as {reads}, and Knarr as a text", "write {reads}, or put it in quotes if you mean the text \"{word}\"";
    /// An octal number as YAML 1.1 writes it.
    ///
    /// Modes of files are often written so, and one wrong reader makes 1204 of 0644.
    KN0809 Warning OldOctal {
        /// The word.
        word: Box<str>,
        /// The number.
        reads: Box<str>,
    } = "`{word}` is {reads} to Kubernetes and to Knarr, and another number to readers of YAML 1.2", "write {reads}, or 0o and the digits: all read these alike";
    /// A word that is none of those that a field takes.
    ///
    /// Kubernetes refuses the object, and tells capitals apart: `always` is not `Always`.
    KN0810 Error NoneOf {
        /// The field as a JSON pointer.
        pointer: Box<str>,
        /// The word that stands there.
        found: Box<str>,
        /// The words that it takes.
        all: Box<str>,
        /// What to do.
        hint: Box<str>,
    } = "{pointer}: `{found}` is none of {all}", "{hint}";
}
