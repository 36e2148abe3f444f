//! The whole terminal, to be drawn on; given back as it was, whatever happens.

use std::{
    io::{self, Stdout},
    panic,
    sync::Arc,
    thread,
};

use crossterm::{
    cursor::Show,
    event::{DisableMouseCapture, EnableMouseCapture},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend};

/// What is drawn on.
pub type Canvas = Terminal<CrosstermBackend<Stdout>>;

/// What is done with a panic.
type Hook = Arc<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send>;

/// The terminal, until this is dropped, or the thread that took it panics.
pub struct FullScreen {
    /// To draw on.
    pub canvas: Canvas,
    before: Hook,
}

impl FullScreen {
    /// Takes it, and `mouse` says whether its clicks too. Who has none, or a terminal that knows of none,
    /// goes without.
    pub fn take(mouse: bool) -> io::Result<Self> {
        let before: Hook = panic::take_hook().into();
        let (own, next) = (thread::current().id(), Arc::clone(&before));
        panic::set_hook(Box::new(move |info| {
            // Of another thread's panic somebody else may make the best; the screen goes on.
            if thread::current().id() == own {
                give_back();
            }
            next(info);
        }));
        let canvas = (|| {
            enable_raw_mode()?;
            execute!(io::stdout(), EnterAlternateScreen)?;
            if mouse {
                let _ = execute!(io::stdout(), EnableMouseCapture);
            }
            Terminal::new(CrosstermBackend::new(io::stdout()))
        })();
        match canvas {
            Ok(canvas) => Ok(Self { canvas, before }),
            Err(error) => {
                give_back();
                unhook(before);
                Err(error)
            }
        }
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        // Hooks stay as they are while one is on its way.
        if !thread::panicking() {
            give_back();
            unhook(Arc::clone(&self.before));
        }
    }
}

fn unhook(before: Hook) {
    panic::set_hook(Box::new(move |info| before(info)));
}

/// Each by itself, as it is: nobody is left to be told.
fn give_back() {
    let _ = execute!(io::stdout(), DisableMouseCapture);
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}
