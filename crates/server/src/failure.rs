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
    /// What the caller is told. Details of our own errors go to the log instead.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Refused(rejection) => rejection,
            Self::Store(error) => {
                let code = match error {
                    StoreError::Busy => ResponseCode::Unavailable,
                    StoreError::Closed | StoreError::Broken(_) | StoreError::Engine(_) => {
                        tracing::error!(%error, "the store did not take a request");
                        ResponseCode::Unavailable
                    }
                    StoreError::Corrupt { .. } | StoreError::CorruptRow { .. } | StoreError::Panicked => {
                        tracing::error!(%error, "the store failed on a request");
                        ResponseCode::InternalError
                    }
                };
                code.into()
            }
        }
    }
}
