//! How long messages are.

use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

use super::HEADER;

/// One length, or as `LEAST-MOST` any between, each as likely.
#[derive(Clone, Debug)]
pub(crate) struct Sizes(RangeInclusive<u32>);

impl Sizes {
    /// The same, each at least as long as the header that a request begins with.
    pub(crate) fn of_request(text: &str) -> Result<Self> {
        let sizes: Self = text.parse()?;
        let least = *sizes.0.start() as usize;
        ensure!(least >= HEADER, "a request has at least {HEADER} bytes");
        Ok(sizes)
    }

    /// One of them.
    pub(crate) fn one(&self) -> u32 {
        fastrand::u32(self.0.clone())
    }
}

impl FromStr for Sizes {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse().with_context(|| format!("no number: {text:?}"));
        let (least, most) = (number(least)?, number(most)?);
        ensure!(least <= most, "{least} is more than {most}");
        Ok(Self(least..=most))
    }
}
