//! The demo's shop.

use std::time::Duration;

use probe_tests::{Engine, Shop, wait};

#[test]
fn opens() {
    let engine = Engine::start().unwrap();
    let shop = Shop::open(&engine, || Ok(())).unwrap();
    let page = shop.visit().unwrap();
    assert!(page.contains("apples|12"), "{page}");
    let names = engine.docker(["ps", "--format", "{{.Names}}"]).unwrap();
    let mut names: Vec<_> = names.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["cache", "db", "proxy", "shopper-1", "shopper-2", "web"]
    );

    // The shoppers visit too, not we alone.
    let first = visits(&page).unwrap();
    let mut ours = 0;
    let visited = wait::until("shoppers visit", Duration::from_secs(20), || {
        ours += 1;
        let theirs = visits(&shop.visit()?).unwrap_or(first) - first;
        Ok((theirs > ours + 10).then_some(()))
    });
    visited.unwrap();
}

/// The page's count of visits.
fn visits(page: &str) -> Option<u32> {
    let count = page.lines().find_map(|line| line.strip_prefix("visits: "));
    count?.trim().parse().ok()
}
