//! What the screen of `probe top` shows, and what keys and mouse make of it. It draws nothing.

mod conversation;
mod mouse;

use std::collections::{HashMap, VecDeque};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Cell, Look, Of, Sheet, Show, Subject};
use crate::{
    filter::Filter,
    identity::ContainerId,
    topology::{EdgeKey, Listener},
};
pub use conversation::{Conversation, Hearing};
pub use mouse::Drawn;

/// Looks remembered for a sparkline.
const REMEMBERED: usize = 120;
/// Lines that Page Up and Page Down move.
const PAGE: usize = 10;

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
    history: HashMap<Option<ContainerId>, VecDeque<Spent>>,
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

/// What was used within an interval.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    cpu: f64,
    net: f64,
}

/// What a key asks of who holds the state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Nothing but to draw again.
    Draw,
    /// To end.
    Quit,
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
            history: HashMap::new(),
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
        let mut total = Spent::default();
        let mut now = HashMap::new();
        for reading in &look.readings {
            let id = &reading.container.id;
            let net = look.net_of(id);
            let spent = Spent {
                cpu: reading.cpu_percent.unwrap_or_default(),
                net: net.sent + net.received,
            };
            total.cpu += spent.cpu;
            total.net += spent.net;
            now.insert(Some(id.clone()), spent);
        }
        now.insert(None, total);
        // What is gone is forgotten.
        self.history.retain(|id, _| now.contains_key(id));
        for (id, spent) in now {
            let history = self.history.entry(id).or_default();
            if history.len() == REMEMBERED {
                history.pop_front();
            }
            history.push_back(spent);
        }
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
        let history = self.history.get(&of.as_ref().map(|(id, _)| id.clone()));
        let history = history.into_iter().flatten();
        let (cpu, net) = history
            .map(|spent| (whole(spent.cpu * 100.0), whole(spent.net)))
            .unzip();
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

    /// What a key does.
    pub fn key(&mut self, key: KeyEvent) -> Asked {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Asked::Quit,
                _ => Asked::Draw,
            };
        }
        if self.typing.is_some() {
            self.type_in(key.code);
            return Asked::Draw;
        }
        if self.help {
            self.help = false;
            return Asked::Draw;
        }
        self.problem = None;
        match key.code {
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Esc | KeyCode::Backspace => self.back(),
            code => match &mut self.conversation {
                Some(said) => said.key(code),
                None => self.key_in_list(code),
            },
        }
        Asked::Draw
    }

    fn key_in_list(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(' ' | 'p') => self.paused = !self.paused,
            KeyCode::Char('/') => self.typing = Some(self.filtering().unwrap_or_default()),
            KeyCode::Char('r') => self.place_mut().reverse ^= true,
            KeyCode::Left | KeyCode::Char('<') => self.sort_by_next(-1),
            KeyCode::Right | KeyCode::Char('>') => self.sort_by_next(1),
            KeyCode::Up | KeyCode::Char('k') => self.mark(|at| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.mark(|at| at + 1),
            KeyCode::PageUp => self.mark(|at| at.saturating_sub(PAGE)),
            KeyCode::PageDown => self.mark(|at| at + PAGE),
            KeyCode::Home => self.mark(|_| 0),
            KeyCode::End => self.mark(|_| usize::MAX),
            KeyCode::Enter => self.enter(),
            KeyCode::Tab => self.step(),
            KeyCode::Char(digit @ '1'..='6') => {
                let number = digit as usize - '1' as usize;
                self.go(Subject::ALL[number]);
            }
            _ => {}
        }
    }

    fn type_in(&mut self, code: KeyCode) {
        let Some(text) = &mut self.typing else {
            return;
        };
        match code {
            KeyCode::Char(char) => text.push(char),
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Esc => {
                self.typing = None;
                self.problem = None;
            }
            KeyCode::Enter => self.apply(),
            _ => {}
        }
    }

    /// Takes what was typed for the filter; one that is none stays to be mended.
    fn apply(&mut self) {
        let subject = self.subject();
        let text = self.typing.take().unwrap_or_default();
        self.problem = None;
        if text.trim().is_empty() {
            self.filters.remove(&subject);
            return;
        }
        let parsed = text.parse::<Filter>().map_err(|error| {
            let message = error.to_string();
            message.lines().next().unwrap_or_default().to_owned()
        });
        let parsed = parsed.and_then(|filter| match filter.never(subject.filtered()) {
            Some(why) => Err(format!("the filter can never match: {why}")),
            None => Ok(filter),
        });
        match parsed {
            Ok(filter) => {
                self.filters.insert(subject, filter);
            }
            Err(problem) => {
                self.problem = Some(problem);
                self.typing = Some(text);
            }
        }
    }

    fn mark(&mut self, to: impl Fn(usize) -> usize) {
        let last = self.sheet.lines.len().saturating_sub(1);
        let at = to(self.selected()).min(last);
        self.selected = self.sheet.lines.get(at).map(|line| line.of.clone());
    }

    /// To the next column that tables may show, around the end.
    fn sort_by_next(&mut self, step: isize) {
        let columns = self.subject().columns();
        let place = self.place_mut();
        let count = columns.len();
        let mut at = place.sort;
        loop {
            at = at.wrapping_add_signed(step).wrapping_add(count) % count;
            if columns[at].show != Show::Never || at == place.sort {
                break;
            }
        }
        place.sort = at;
        place.reverse = false;
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sparkline has eight steps; the cast saturates"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
