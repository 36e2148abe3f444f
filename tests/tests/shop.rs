//! The demo's shop.

use probe_tests::{Engine, Shop};

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
}
