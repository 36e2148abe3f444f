//! What is asked of a graph.

use clap::Args;

use crate::topology::question::Question;

/// Questions, one at a time. A name is a container's name or id (four digits may do), or any
/// node's id.
#[derive(Args, Debug)]
// Groups by name, of single arguments: a derived one would let several through.
#[group(skip)]
pub(super) struct Questions {
    /// Whom NAME reaches, itself and through others.
    #[arg(long, value_name = "NAME", groups = ["question", "end"])]
    from: Option<String>,

    /// Who reaches NAME.
    #[arg(long, value_name = "NAME", groups = ["question", "end"])]
    to: Option<String>,

    /// The shortest way from A to B.
    #[arg(long, value_names = ["A", "B"], num_args = 2, group = "question")]
    path: Option<Vec<String>>,

    /// Who depends on whom in a circle.
    #[arg(long, group = "question")]
    cycles: bool,

    /// Who talks with nobody else.
    #[arg(long, group = "question")]
    orphans: bool,

    /// With --from and --to: go this many steps at most.
    #[arg(long, value_name = "N", requires = "end", value_parser = clap::value_parser!(u32).range(1..))]
    depth: Option<u32>,
}

impl Questions {
    /// What is asked, if anything.
    pub(super) fn question(&self) -> Option<Question> {
        let depth = self.depth;
        if let Some(name) = &self.from {
            return Some(Question::From(name.clone(), depth));
        }
        if let Some(name) = &self.to {
            return Some(Question::To(name.clone(), depth));
        }
        if let Some([from, to]) = self.path.as_deref() {
            return Some(Question::Path(from.clone(), to.clone()));
        }
        let asked = self.cycles.then_some(Question::Cycles);
        asked.or(self.orphans.then_some(Question::Orphans))
    }
}
