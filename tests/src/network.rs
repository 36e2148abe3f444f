//! Networks that containers share.

use anyhow::Result;

use crate::engine::Engine;

/// A bridge network of a user's own, on which containers find each other by name.
#[derive(Debug)]
pub struct Network<'engine> {
    engine: &'engine Engine,
    name: String,
    /// It was there before us.
    is_default: bool,
}

impl<'engine> Network<'engine> {
    /// The bridge that every engine has, on which containers find each other by address.
    #[must_use]
    pub fn default_bridge(engine: &'engine Engine) -> Self {
        Self {
            engine,
            name: "bridge".to_owned(),
            is_default: true,
        }
    }

    /// Makes a network.
    pub fn create(engine: &'engine Engine, name: &str) -> Result<Self> {
        Self::create_with(engine, name, &[])
    }

    /// Makes a network with more options, such as `--ipv6`.
    pub fn create_with(engine: &'engine Engine, name: &str, options: &[&str]) -> Result<Self> {
        engine.docker(["network", "create"].iter().chain(options).chain(&[name]))?;
        Ok(Self {
            engine,
            name: name.to_owned(),
            is_default: false,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        if self.is_default {
            return;
        }
        // The engine takes with it what cannot be removed now.
        let _ = self.engine.docker(["network", "rm", &self.name]);
    }
}
