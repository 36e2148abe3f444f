//! A small real shop: clients, a reverse proxy, a web server, a cache and a database.
//!
//! ```text
//! shopper-1 ─┐                      ┌─▶ cache   redis
//!            ├─▶ proxy  ──▶  web ───┤
//! shopper-2 ─┘   nginx    busybox   └─▶ db      postgres
//! ```

mod images;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::container::{Container, Start};
use crate::engine::Engine;
use crate::image::Image;
use crate::network::Network;
use crate::{image, wait};

/// A database makes its files before it answers.
const OPENS_WITHIN: Duration = Duration::from_mins(3);
/// The longest that a visit takes.
const VISIT: Duration = Duration::from_secs(5);
/// Who buys.
const SHOPPERS: [&str; 2] = ["shopper-1", "shopper-2"];
/// What a shopper does: ten visits a second at most, for half an hour or little more. (The
/// timeout is not wget's own: Debian's static busybox crashes at its `-T`.)
const SHOPPING: &str = "visits=0; while [ $visits -lt 18000 ]; do \
    timeout 5 wget -q -O /dev/null http://proxy/; visits=$((visits+1)); sleep 0.1; done";

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
        let mut last = None;
        let answered = wait::until("the shop answers", OPENS_WITHIN, || {
            go_on()?;
            let page = shop.visit();
            let whole = page.as_ref().is_ok_and(|page| page.contains("pears"));
            last = Some(page);
            Ok(whole.then_some(()))
        });
        answered.with_context(|| format!("the last visit: {last:?}\n{}", shop.explain()))?;
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

    /// One visit from this machine, through all of the shop: what it answered, headers and all.
    pub fn visit(&self) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, VISIT)?;
        stream.set_read_timeout(Some(VISIT))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        Ok(page)
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
