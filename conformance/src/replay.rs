//! Answers from a recording, so that a case can be judged again without a target.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::target::{Received, Sent, Wire};

/// Gives recorded answers in their order, whatever is asked.
#[derive(Debug)]
pub struct Replay {
    answers: Mutex<VecDeque<Result<Received, String>>>,
}

impl Replay {
    /// A recording of these answers.
    pub fn new(answers: impl IntoIterator<Item = Result<Received, String>>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()) }
    }
}

impl Wire for Replay {
    fn send(&self, _: &Sent) -> Result<Received, String> {
        let mut answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        answers.pop_front().unwrap_or_else(|| Err("the recording ends here".to_owned()))
    }

    fn url(&self, path: &str, _: Option<&str>) -> String {
        path.to_owned()
    }
}
