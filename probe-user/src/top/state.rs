//! What the screen of `probe top` shows, and what keys and mouse make of it. It draws nothing.

mod conversation;
mod history;
mod keys;
mod mouse;

use std::collections::HashMap;

use super::{Cell, Look, Of, Sheet, Subject};
use crate::{
    filter::Filter,
    identity::ContainerId,
    topology::{EdgeKey, Listener},
};
use history::History;

pub use conversation::{Conversation, Hearing};
pub use keys::Asked;
pub use mouse::Drawn;

/// What is shown.
#[derive(Debug)]
pub struct State {
    /// The host's name.
    pub host: String,
    /// Where we are, and on the way back.
    places: Vec<Place>,
    /// One for each subject, as each has fields of its own.
    filters: HashMap<Subject, Filter>,
    /// Lines, sorted.
    pub sheet: Sheet,
    /// The line that is marked, by what it is of.
    selected: Option<Of>,
    /// Whether the screen stands still.
    pub paused: bool,
    /// Whether the keys are explained.
    pub help: bool,
    /// What is said over a connection, while that is shown in place of the list.
    pub conversation: Option<Conversation>,
    /// A filter that is being typed.
    pub typing: Option<String>,
    /// What is wrong with what was typed.
    pub problem: Option<String>,
    /// What was lost, or which engine does not answer.
    pub trouble: Option<String>,
    limit: usize,
    history: History,
}

/// One list that is shown.
#[derive(Clone, Debug)]
struct Place {
    subject: Subject,
    /// Only of this container: its id and name.
    within: Option<(ContainerId, String)>,
    sort: usize,
    reverse: bool,
}

impl Place {
    fn new(subject: Subject) -> Self {
        let sort = Sheet::column(subject.columns(), subject.busiest());
        Self {
            subject,
            within: None,
            sort: sort.unwrap_or_default(),
            reverse: false,
        }
    }
}

impl State {
    /// Starts with a list, `sort`ed by a column; `limit` is the most lines it shows.
    #[must_use]
    pub fn new(host: &str, subject: Subject, sort: (usize, bool), limit: Option<usize>) -> Self {
        let mut place = Place::new(subject);
        (place.sort, place.reverse) = sort;
        Self {
            host: host.to_owned(),
            places: vec![place],
            filters: HashMap::new(),
            sheet: Sheet::default(),
            selected: None,
            paused: false,
            help: false,
            conversation: None,
            typing: None,
            problem: None,
            trouble: None,
            limit: limit.unwrap_or(usize::MAX),
            history: History::default(),
        }
    }

    /// From now on only what passes.
    pub fn filter(&mut self, filter: Filter) {
        self.filters.insert(self.subject(), filter);
    }

    fn place(&self) -> &Place {
        self.places.last().expect("the first place is never left")
    }

    fn place_mut(&mut self) -> &mut Place {
        self.places
            .last_mut()
            .expect("the first place is never left")
    }

    /// What is listed.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.place().subject
    }

    /// The column that sorts, and whether the other way round.
    #[must_use]
    pub fn sorting(&self) -> (usize, bool) {
        (self.place().sort, self.place().reverse)
    }

    /// Where we are, in words: `containers › web › processes`.
    #[must_use]
    pub fn way(&self) -> String {
        let mut words = Vec::new();
        for place in &self.places {
            if let Some((_, name)) = &place.within
                && words.last() != Some(name)
                && !words.contains(name)
            {
                words.push(name.clone());
            }
            words.push(place.subject.as_str().to_owned());
        }
        words.extend(self.conversation.as_ref().map(|said| said.name.clone()));
        words.join(" › ")
    }

    /// The connection that is listened to.
    #[must_use]
    pub fn listening(&self) -> Option<&EdgeKey> {
        self.conversation.as_ref().map(|said| &said.edge)
    }

    /// The filter of this list, as one would write it.
    #[must_use]
    pub fn filtering(&self) -> Option<String> {
        self.filters.get(&self.subject()).map(ToString::to_string)
    }

    /// The marked line, counted from 0; the first unless another was marked that is still there.
    #[must_use]
    pub fn selected(&self) -> usize {
        let marked = self.selected.as_ref();
        let place = |of: &Of| self.sheet.lines.iter().position(|line| line.of == *of);
        marked.and_then(place).unwrap_or_default()
    }

    /// Remembers what was used, for the sparklines. Once a look.
    pub fn remember(&mut self, look: &Look<'_>) {
        self.history.take_in(look);
    }

    /// CPU (hundredths of a percent) and bytes a second of late, oldest first: of the container we
    /// are in or have marked, else of all together; and whose they are.
    #[must_use]
    pub fn spent(&self) -> (String, Vec<u64>, Vec<u64>) {
        let line = self.sheet.lines.get(self.selected());
        let marked = line.and_then(|line| match (&line.of, &line.cells[0]) {
            (Of::Container(id), Cell::Text(name)) => {
                Some((id.clone(), name.clone().unwrap_or_default()))
            }
            _ => None,
        });
        let of = self.place().within.clone().or(marked);
        let name = of.as_ref().map_or("all containers", |(_, name)| name);
        let (cpu, net) = self.history.of(of.as_ref().map(|(id, _)| id));
        (name.to_owned(), cpu, net)
    }

    /// Makes the sheet of a look; not while what is said is shown in place of it.
    pub fn show(&mut self, look: &Look<'_>) {
        if self.conversation.is_some() {
            return;
        }
        let place = self.place();
        let subject = place.subject;
        let mut look = look.clone();
        if let Some((id, _)) = &place.within {
            look.keep_container(id);
        }
        if let Some(filter) = self.filters.get(&subject) {
            look.keep(subject, filter, &self.host);
        }
        self.sheet = subject.sheet(&look);
        let (sort, reverse) = self.sorting();
        self.sheet.sort(sort, reverse);
        self.sheet.lines.truncate(self.limit);
    }

    /// Into the marked container: its processes, from there its connections, and what is said over
    /// one of them.
    fn enter(&mut self) {
        if self.subject() == Subject::Connections {
            self.listen();
            return;
        }
        let mut next = match (self.subject(), &self.place().within) {
            (Subject::Processes, Some(_)) => Place::new(Subject::Connections),
            (Subject::Containers, _) => Place::new(Subject::Processes),
            _ => return,
        };
        next.within.clone_from(&self.place().within);
        if next.within.is_none() {
            let line = self.sheet.lines.get(self.selected());
            let Some((Of::Container(id), Cell::Text(name))) =
                line.map(|line| (&line.of, &line.cells[0]))
            else {
                return;
            };
            next.within = Some((id.clone(), name.clone().unwrap_or_default()));
        }
        self.places.push(next);
        self.selected = None;
    }

    /// To what is said over the marked connection.
    fn listen(&mut self) {
        let Some(line) = self.sheet.lines.get(self.selected()) else {
            return;
        };
        if let (Of::Connection(edge), [Cell::Text(client), Cell::Text(server), ..]) =
            (&line.of, line.cells.as_slice())
        {
            if edge.listener == Listener::Other {
                let problem = "what found no room to be told apart cannot be listened to";
                self.problem = Some(problem.to_owned());
                return;
            }
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            let name = format!("{} → {}:{}", name(client), name(server), edge.listener);
            self.conversation = Some(Conversation::new(edge.clone(), name));
        }
    }

    fn back(&mut self) {
        if self.conversation.take().is_some() {
            return;
        }
        if self.places.len() > 1 {
            // The container we come from is marked again.
            let left = self.places.pop().and_then(|place| place.within);
            self.selected = match self.subject() {
                Subject::Containers => left.map(|(id, _)| Of::Container(id)),
                _ => None,
            };
        }
    }

    fn step(&mut self) {
        let all = Subject::ALL;
        let at = all.iter().position(|subject| *subject == self.subject());
        self.go(all[(at.unwrap_or_default() + 1) % all.len()]);
    }

    fn go(&mut self, subject: Subject) {
        self.places = vec![Place::new(subject)];
        self.selected = None;
    }
}
