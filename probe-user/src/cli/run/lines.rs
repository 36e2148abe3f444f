//! A line for each edge and interval that has news.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Feed, Settings, Stop, print};
use crate::views::edges::{Edges, line};

pub(super) async fn show(
    feed: &mut Feed,
    stop: &mut Stop,
    settings: &Settings,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let mut edges = Edges::default();
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            ticked = feed.tick() => ticked?,
        }
        let time = format!("{:.0}", Timestamp::now());
        let mut text = String::new();
        let rows = edges.rows(&feed.agent.graph());
        let news = rows.iter().filter(|row| !row.recent.is_zero());
        for row in news.take(limit.unwrap_or(usize::MAX)) {
            writeln!(text, "{}", line(&time, row, settings.interval))?;
        }
        print(&text)?;
    }
}
