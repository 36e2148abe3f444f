//! A small real shop: clients, a reverse proxy, a web server, a cache and a database.
//!
//! ```text
//! shopper-1 ─┐                      ┌─▶ cache   redis
//!            ├─▶ proxy  ──▶  web ───┤
//! shopper-2 ─┘   nginx    busybox   └─▶ db      postgres
//! ```

mod images;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::container::{Container, Start};
use crate::engine::Engine;
use crate::image::Image;
use crate::network::Network;
use crate::{image, wait};

/// A database makes its files before it answers.
const OPENS_WITHIN: Duration = Duration::from_mins(1);
/// Who buys.
const SHOPPERS: [&str; 2] = ["shopper-1", "shopper-2"];
/// What a shopper does: ten visits a second at most, for half an hour at most.
const SHOPPING: &str = "visits=0; while [ $visits -lt 18000 ]; do \
    wget -q -T 5 -O /dev/null http://proxy/; visits=$((visits+1)); sleep 0.1; done";

/// The shop, open; closed and removed when dropped.
#[derive(Debug)]
pub struct Shop<'engine> {
    /// Dropped in this order: who visits, who serves, what they stand on.
    shoppers: Vec<Container<'engine>>,
    proxy: Container<'engine>,
    servers: Vec<Container<'engine>>,
    network: Network<'engine>,
    address: SocketAddr,
}

impl<'engine> Shop<'engine> {
    /// Opens the shop: when this returns, a visit has been answered and the shoppers are in.
    ///
    /// `go_on` is asked between the steps; its error ends the opening.
    pub fn open(engine: &'engine Engine, go_on: impl Fn() -> Result<()>) -> Result<Self> {
        let network = Network::create(engine, "shop")?;
        let start = |image: &Image, name: &str| -> Result<Start<'engine>> {
            go_on()?;
            Ok(Container::of(engine, image, name)?.on(&network))
        };
        let cache = start(&images::CACHE, "cache")?.run()?;
        let db = start(&images::DB, "db")?.run()?;
        let web = start(&images::WEB, "web")?.run()?;
        // nginx looks the web server's name up once, when it starts.
        let proxy = start(&images::PROXY, "proxy")?.publish(80).run()?;
        let mut shop = Self {
            address: SocketAddr::from((engine.address(), proxy.published(80)?)),
            shoppers: Vec::new(),
            proxy,
            servers: vec![web, db, cache],
            network,
        };
        let answered = wait::until("the shop answers", OPENS_WITHIN, || {
            go_on()?;
            Ok(shop.visit().ok().filter(|page| page.contains("pears")))
        });
        answered.with_context(|| shop.explain())?;
        for shopper in SHOPPERS {
            go_on()?;
            let shopper = Container::of(engine, &image::BUSYBOX, shopper)?
                .on(&shop.network)
                .command(["sh", "-c", SHOPPING])
                .run()?;
            shop.shoppers.push(shopper);
        }
        Ok(shop)
    }

    /// Where the shop can be visited from this machine.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One visit, made in the proxy's container, through all of the shop.
    pub fn visit(&self) -> Result<String> {
        self.proxy
            .exec(["/bin/wget", "-q", "-T", "5", "-O", "-", "http://127.0.0.1/"])
    }

    fn explain(&self) -> String {
        let containers = std::iter::once(&self.proxy).chain(&self.servers);
        let said = containers.map(|container| {
            let logs = container.logs().unwrap_or_default();
            format!("{} said:\n{logs}", container.name())
        });
        said.collect::<Vec<_>>().join("\n")
    }
}
