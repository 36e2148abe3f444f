//! Server-sent events, as far as our own server writes them.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{AgentAddress, RemoteError};

/// Bytes of one message; the largest is a graph.
const MOST: usize = super::MOST;

/// One message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Message {
    /// What it is.
    pub event: String,
    /// What it says.
    pub data: String,
}

/// Messages as they come.
#[derive(Debug)]
pub struct Messages {
    agent: AgentAddress,
    body: Incoming,
    text: Text,
}

impl Messages {
    pub(super) fn new(agent: AgentAddress, body: Incoming) -> Self {
        Self {
            agent,
            body,
            text: Text::default(),
        }
    }

    /// The next one; `None` at the stream's end. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Message>, RemoteError> {
        loop {
            if let Some(message) = self.text.take() {
                return Ok(Some(message));
            }
            let broken = |reason: String| RemoteError::Body {
                agent: self.agent.clone(),
                reason,
            };
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| broken(error.to_string()))?;
            if let Some(bytes) = frame.data_ref() {
                self.text.extend(bytes);
            }
            if self.text.bytes.len() > MOST {
                return Err(broken("a message is too long".to_owned()));
            }
        }
    }
}

/// What has come and was not taken yet.
#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    /// Up to here there is no end of a message: a long one is searched once, not with each piece.
    searched: usize,
}

impl Text {
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The first whole message; comments, which only keep the connection alive, are none.
    fn take(&mut self) -> Option<Message> {
        loop {
            let rest = &self.bytes[self.searched..];
            let Some(end) = rest.windows(2).position(|two| two == b"\n\n") else {
                // The last byte may be the first half of an end.
                self.searched = self.bytes.len().saturating_sub(1);
                return None;
            };
            let block: Vec<u8> = self.bytes.drain(..self.searched + end + 2).collect();
            self.searched = 0;
            let mut message = Message::default();
            for line in String::from_utf8_lossy(&block).lines() {
                match line.split_once(':') {
                    Some(("event", value)) => value.trim_start().clone_into(&mut message.event),
                    Some(("data", value)) => {
                        if !message.data.is_empty() {
                            message.data.push('\n');
                        }
                        message
                            .data
                            .push_str(value.strip_prefix(' ').unwrap_or(value));
                    }
                    _ => {}
                }
            }
            if message != Message::default() {
                return Some(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_and_comments_are_none() {
        let mut text = Text::default();
        text.extend(b":\n\nevent: a\ndata: {\"x\": 1}\nid: 7\n\n: x\n\nevent: b\nda");
        let first = text.take().unwrap();
        assert_eq!(
            (first.event.as_str(), first.data.as_str()),
            ("a", "{\"x\": 1}")
        );
        assert_eq!(text.take(), None);
        text.extend(b"ta: one\ndata: two\n\n");
        assert_eq!(text.take().unwrap().data, "one\ntwo");
    }

    /// However they are cut, they are the same.
    #[test]
    fn fuzz_stream() {
        let seeds: [&[u8]; 2] = [
            b":\n\nevent: a\ndata: {\"x\": 1}\nid: 7\n\n: x\n\nevent: b\ndata: one\ndata: two\n\n",
            b"\n\n\n\ndata\n\nevent:\ndata:\r\n\n",
        ];
        crate::fuzz::run(&seeds, |bytes| {
            let take = |size: usize| {
                let mut text = Text::default();
                let mut messages = Vec::new();
                for part in bytes.chunks(size) {
                    text.extend(part);
                    messages.extend(std::iter::from_fn(|| text.take()));
                }
                messages
            };
            let messages = take(bytes.len().max(1));
            assert_eq!(take(3), messages);
            messages.len()
        });
    }
}
