//! What stands in the way of an outcome: a refusal, which is the sender's fault, or an error of the store, which is ours.
//! Here, and nowhere else, both become something that can be answered.

use rollcall_model::{rejection::Rejection, response_code::ResponseCode};
use rollcall_store::error::StoreError;

/// Why a call has no outcome.
#[derive(Debug)]
pub enum Failure {
    /// The request cannot be done as it stands.
    Refused(Rejection),
    /// The store could not do its part.
    Store(StoreError),
    /// A fault in our own code; the panic's message is in the log.
    Panicked,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// The reason that the caller is told.
    pub fn code(&self) -> ResponseCode {
        match self {
            Self::Refused(rejection) => rejection.code,
            Self::Store(StoreError::Busy | StoreError::Closed | StoreError::NotKept(_) | StoreError::Engine(_)) => {
                ResponseCode::Unavailable
            }
            Self::Store(StoreError::Corrupt { .. } | StoreError::CorruptRow { .. } | StoreError::Panicked) => {
                ResponseCode::InternalError
            }
            Self::Panicked => ResponseCode::InternalError,
        }
    }

    /// What the caller is told. Details of our own errors go to the log instead.
    pub fn into_rejection(self) -> Rejection {
        let code = self.code();
        match self {
            Self::Refused(rejection) => return rejection,
            Self::Store(StoreError::Busy) => {}
            Self::Store(error) => tracing::error!(%error, "the store did not do its part"),
            Self::Panicked => tracing::error!("a call panicked"),
        }
        code.into()
    }
}

/// For work inside the store: to it, a refusal is an outcome like others, and only its own errors are errors.
pub(crate) fn apart<T>(done: Result<T, Failure>) -> Result<Result<T, Rejection>, StoreError> {
    match done {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Panicked) => Err(StoreError::Panicked),
    }
}
