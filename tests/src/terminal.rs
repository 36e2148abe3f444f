//! The probe on a terminal that we hold the other end of.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::AsFd as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::pty::{Winsize, openpty};
use rustix::termios::{self, Termios};

use crate::engine::Engine;
use crate::{place, wait};

/// How long a screen may take to show what it should.
const PATIENCE: Duration = Duration::from_secs(30);

/// A probe that draws; killed when dropped.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// Held so that the terminal outlives the probe, and can be looked at then.
    device: File,
    before: Termios,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Starts `probe ARGS` on a terminal of that many columns and rows.
    pub fn start(engine: &Engine, args: &[&str], size: (u16, u16)) -> Result<Self> {
        let mut command = Command::new(place::probe());
        Self::run(command.args(args).env("DOCKER_HOST", engine.host()), size)
    }

    /// The same of any program.
    pub fn run(program: &Command, (columns, rows): (u16, u16)) -> Result<Self> {
        let pair = openpty(Some(&winsize(columns, rows)), None).context("no terminal")?;
        let device = File::from(pair.slave);
        let keyboard = File::from(pair.master);
        let before = termios::tcgetattr(&device).context("cannot read the terminal's state")?;
        // Its own session, with this terminal: else a new size is not told.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args())
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("TERM", "xterm-256color")
            .stdin(device.try_clone()?)
            .stdout(device.try_clone()?)
            .stderr(device.try_clone()?)
            .spawn()
            .context("cannot start setsid")?;
        let screen = Arc::new(Mutex::new(parser(columns, rows)?));
        let (shown, mut output) = (Arc::clone(&screen), keyboard.try_clone()?);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                lock(&shown).process(&bytes[..count]);
            }
        });
        Ok(Self {
            child,
            keyboard,
            device,
            before,
            screen,
        })
    }

    /// The probe's process: `setsid` becomes it.
    #[must_use]
    pub fn probe(&self) -> u32 {
        self.child.id()
    }

    /// Whether somebody draws on it: the other screen, without echo, with the mouse.
    pub fn is_taken(&self) -> Result<bool> {
        let now = termios::tcgetattr(&self.device).context("cannot read the terminal's state")?;
        let screen = lock(&self.screen);
        let mouse = screen.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        let raw = format!("{now:?}") != format!("{:?}", self.before);
        Ok(raw && mouse && screen.screen().alternate_screen())
    }

    /// What is on the screen.
    #[must_use]
    pub fn text(&self) -> String {
        lock(&self.screen).screen().contents()
    }

    /// Types.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        let typed = self.keyboard.write_all(keys.as_bytes());
        typed.context("cannot type")
    }

    /// Clicks on the first of these words on the screen.
    pub fn click(&mut self, words: &str) -> Result<()> {
        let text = self.text();
        let found = text.lines().enumerate().find_map(|(row, line)| {
            let before = &line[..line.find(words)?];
            Some((row, before.chars().count()))
        });
        let (row, column) = found.with_context(|| format!("no {words} on the screen:\n{text}"))?;
        let place = format!("0;{};{}", column + 1, row + 1);
        self.press(&format!("\x1b[<{place}M\x1b[<{place}m"))
    }

    /// Waits until the screen shows what makes `is` true.
    pub fn wait_for(&self, what: &str, is: impl Fn(&str) -> bool) -> Result<()> {
        let shown = wait::until(what, PATIENCE, || Ok(is(&self.text()).then_some(())));
        shown.with_context(|| format!("the screen:\n{}", self.text()))
    }

    /// Gives it another size.
    pub fn resize(&self, (columns, rows): (u16, u16)) -> Result<()> {
        let (high, wide) = (cells(rows)?, cells(columns)?);
        lock(&self.screen).screen_mut().set_size(high, wide);
        termios::tcsetwinsize(self.keyboard.as_fd(), winsize_of(columns, rows))
            .context("cannot resize")
    }

    /// Waits until the probe has ended; an error if it left the terminal other than it was.
    pub fn ended(&mut self) -> Result<ExitStatus> {
        let status = wait::until("the probe ends", PATIENCE, || Ok(self.child.try_wait()?))?;
        let after = termios::tcgetattr(&self.device).context("cannot read the terminal's state")?;
        if format!("{after:?}") != format!("{:?}", self.before) {
            bail!("the terminal was {:?}, now it is {after:?}", self.before);
        }
        let cooked = || {
            let screen = lock(&self.screen);
            let screen = screen.screen();
            let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
            Ok((!screen.alternate_screen() && !screen.hide_cursor() && !mouse).then_some(()))
        };
        wait::until("the screen is as it was", PATIENCE, cooked)?;
        Ok(status)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // After an orderly end there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(screen: &Mutex<vt100::Parser>) -> MutexGuard<'_, vt100::Parser> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parser(columns: u16, rows: u16) -> Result<vt100::Parser> {
    Ok(vt100::Parser::new(cells(rows)?, cells(columns)?, 0))
}

fn cells(count: u16) -> Result<NonZeroU16> {
    NonZeroU16::new(count).context("a terminal has rows and columns")
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

fn winsize_of(columns: u16, rows: u16) -> termios::Winsize {
    termios::Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
