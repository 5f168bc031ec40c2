//! systemd over D-Bus, with the end of each job.

use crate::host::Fault;
use crate::host::os::{Active, Enabled, Order, UnitStatus};
use knarr_node::name::UnitName;
use std::cell::RefCell;
use std::time::Duration;
use zbus::Connection;
use zbus::export::ordered_stream::OrderedStreamExt;
use zbus_systemd::systemd1::{JobRemovedStream, ManagerProxy, ServiceProxy, UnitProxy};

/// How long a start or stop is waited for; systemd's own limit is 90 s for most services. What starts longer goes on
/// starting, and a later pass sees how that ended: meanwhile a commit that mends it must be followed.
const PATIENCE: Duration = Duration::from_mins(2);

/// A connection to systemd, made when it is first needed, and anew after a failure.
#[derive(Default)]
pub(super) struct Systemd {
    bus: RefCell<Option<Connection>>,
}

impl Systemd {
    pub(super) async fn status(&self, name: &UnitName) -> Result<UnitStatus, Fault> {
        let bus = self.bus(name).await?;
        self.settled(name, status(&bus, name).await)
    }

    pub(super) async fn order(&self, order: Order, unit: &UnitName) -> Result<(), Fault> {
        let bus = self.bus(unit).await?;
        let failed =
            |result: &str| Fault::Job { unit: unit.clone(), verb: verb(order), result: result.to_owned() };
        let Ok(result) = tokio::time::timeout(PATIENCE, ask(&bus, order, unit)).await else {
            return Err(failed("no end after 2 minutes"));
        };
        match self.settled(unit, result)?.as_str() {
            "done" | "skipped" => Ok(()),
            result => Err(failed(result)),
        }
    }

    async fn bus(&self, name: &UnitName) -> Result<Connection, Fault> {
        if let Some(bus) = &*self.bus.borrow() {
            return Ok(bus.clone());
        }
        let bus = connect().await.map_err(|error| said(name, &error))?;
        *self.bus.borrow_mut() = Some(bus.clone());
        Ok(bus)
    }

    fn settled<T>(&self, name: &UnitName, result: zbus::Result<T>) -> Result<T, Fault> {
        if matches!(result, Err(zbus::Error::InputOutput(_))) {
            *self.bus.borrow_mut() = None;
        }
        result.map_err(|error| said(name, &error))
    }
}

/// Connects, and has systemd say when jobs end.
async fn connect() -> zbus::Result<Connection> {
    let bus = Connection::system().await?;
    ManagerProxy::new(&bus).await?.subscribe().await?;
    Ok(bus)
}

async fn status(bus: &Connection, name: &UnitName) -> zbus::Result<UnitStatus> {
    let manager = ManagerProxy::new(bus).await?;
    let path = manager.load_unit(name.to_string()).await?;
    let unit =
        UnitProxy::builder(bus).path(path).cache_properties(zbus::proxy::CacheProperties::No).build().await?;
    let load = unit.load_state().await?;
    Ok(UnitStatus {
        loaded: load == "loaded",
        masked: load == "masked",
        enabled: enabled(&manager, name).await?,
        active: active(&unit, name).await?,
        stale: unit.need_daemon_reload().await?,
    })
}

/// Source: systemctl(1), is-enabled, systemd 252.
async fn enabled(manager: &ManagerProxy<'_>, name: &UnitName) -> zbus::Result<Enabled> {
    match manager.get_unit_file_state(name.to_string()).await {
        Ok(state) => Ok(match state.as_str() {
            "enabled" | "enabled-runtime" => Enabled::Yes,
            "disabled" | "masked" | "masked-runtime" | "bad" | "" => Enabled::No,
            _ => Enabled::Fixed,
        }),
        Err(error) if is_missing(&error) => Ok(Enabled::No),
        Err(error) => Err(error),
    }
}

async fn active(unit: &UnitProxy<'_>, name: &UnitName) -> zbus::Result<Active> {
    match unit.active_state().await?.as_str() {
        "active" | "reloading" | "refreshing" => Ok(Active::Yes),
        "activating" | "deactivating" if unit.sub_state().await? != "auto-restart" => Ok(Active::Moving),
        "inactive" if ran_to_its_end(unit, name).await? => Ok(Active::Yes),
        _ => Ok(Active::No),
    }
}

/// Whether it is a oneshot that ended well since the boot.
async fn ran_to_its_end(unit: &UnitProxy<'_>, name: &UnitName) -> zbus::Result<bool> {
    if !name.as_str().ends_with(".service") {
        return Ok(false);
    }
    let service = ServiceProxy::builder(unit.inner().connection()).path(unit.inner().path().clone());
    let service = service.cache_properties(zbus::proxy::CacheProperties::No).build().await?;
    let oneshot = service.type_property().await? == "oneshot" && service.result().await? == "success";
    Ok(oneshot && service.exec_main_exit_timestamp_monotonic().await? > 0)
}

/// Does the order and returns the result of its job; `done` for what has none.
async fn ask(bus: &Connection, order: Order, unit: &UnitName) -> zbus::Result<String> {
    let manager = ManagerProxy::new(bus).await?;
    match order {
        Order::Reload => manager.reload().await.map(|()| "done".to_owned()),
        Order::Enable => enable(&manager, unit).await,
        Order::Disable => disable(&manager, unit).await,
        Order::Restart | Order::Stop => job(&manager, order, unit).await,
    }
}

async fn enable(manager: &ManagerProxy<'_>, unit: &UnitName) -> zbus::Result<String> {
    manager.reenable_unit_files(vec![unit.to_string()], false, true).await?;
    settle_links()?;
    manager.reload().await.map(|()| "done".to_owned())
}

async fn disable(manager: &ManagerProxy<'_>, unit: &UnitName) -> zbus::Result<String> {
    match manager.disable_unit_files(vec![unit.to_string()], false).await {
        Err(error) if !is_missing(&error) => Err(error),
        Ok(_) | Err(_) => {
            settle_links()?;
            manager.reload().await.map(|()| "done".to_owned())
        }
    }
}

/// Makes the links of enabled units durable: systemd does not fsync them.
fn settle_links() -> zbus::Result<()> {
    let folder = std::fs::File::open("/etc/systemd/system");
    let synced = folder.and_then(|folder| rustix::fs::syncfs(folder).map_err(Into::into));
    synced.map_err(|error| zbus::Error::InputOutput(error.into()))
}

/// Listens before it asks, so that the end of a quick job is not missed.
async fn job(manager: &ManagerProxy<'_>, order: Order, unit: &UnitName) -> zbus::Result<String> {
    let mut ends = manager.receive_job_removed().await?;
    let (name, mode) = (unit.to_string(), "replace".to_owned());
    let asked = match order {
        Order::Stop => manager.stop_unit(name, mode).await,
        Order::Restart | Order::Reload | Order::Enable | Order::Disable => {
            // A unit that failed too often would refuse to start.
            drop(manager.reset_failed_unit(name.clone()).await);
            manager.restart_unit(name, mode).await
        }
    };
    match asked {
        Ok(path) => end_of(&mut ends, &path).await,
        Err(error) if order == Order::Stop && is_missing(&error) => Ok("done".to_owned()),
        Err(error) => Err(error),
    }
}

async fn end_of(ends: &mut JobRemovedStream, job: &zbus::ObjectPath<'_>) -> zbus::Result<String> {
    while let Some(end) = ends.next().await {
        let args = end.args()?;
        if args.job.as_str() == job.as_str() {
            return Ok(args.result.clone());
        }
    }
    Err(zbus::Error::Failure("systemd closed the connection".to_owned()))
}

/// Whether systemd does not know such a unit. zbus says some names by a variant and others by a string, yet prints
/// them alike.
fn is_missing(error: &zbus::Error) -> bool {
    let missing = [
        "org.freedesktop.systemd1.NoSuchUnit",
        "org.freedesktop.DBus.Error.FileNotFound",
        "org.freedesktop.systemd1.LoadFailed",
    ];
    let said = error.to_string();
    missing.iter().any(|name| said.starts_with(name))
}

fn verb(order: Order) -> &'static str {
    match order {
        Order::Reload => "reload",
        Order::Enable => "become enabled",
        Order::Disable => "become disabled",
        Order::Restart => "start",
        Order::Stop => "stop",
    }
}

fn said(unit: &UnitName, error: &zbus::Error) -> Fault {
    Fault::Systemd { unit: unit.clone(), said: error.to_string() }
}
