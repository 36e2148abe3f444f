//! A line for each edge and interval that has news.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Feed, Look, Stop, print};
use crate::views::edges::line;

pub(super) async fn show(feed: &mut Feed, stop: &mut Stop, look: &mut Look) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            ticked = feed.tick() => ticked?,
        }
        let time = format!("{:.0}", Timestamp::now());
        let mut text = String::new();
        let (rows, span) = look.rows(&feed.agent);
        let news = rows.iter().filter(|row| !row.recent.is_zero());
        for row in news.take(look.limit) {
            writeln!(text, "{}", line(&time, row, span))?;
        }
        print(&text)?;
    }
}
