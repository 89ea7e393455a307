//! The seams of the server at which a deviation can be put, and the server that has one there.

use crate::{
    lens::{Finds, Lens, LensStore, Puts},
    message::Message,
};
use rollcall_matching::{
    key::LookupKey,
    mode::{MODES, Mode},
};
use rollcall_model::{
    database::DatabaseId,
    import::{ImportOutcome, ImportRequest},
    profile::{Profile, ProfileId},
    response_code::ResponseCode,
    world::World,
};
use rollcall_server::{
    call::{Answer, Call, Pending, Reply},
    failure::Failure,
    import::{Import, Importer},
    service::Service,
    world_file,
};
use rollcall_store::{
    error::StoreError,
    memory::MemoryStore,
    transaction::{Store, Transaction},
};
use std::sync::Arc;

/// Where a server deviates, and how. Faults are made once and never go away, so what they refer to lives as long.
#[derive(Clone, Copy)]
pub(crate) enum Seam {
    /// Nothing is wrong.
    Nowhere,
    /// Another configuration than the one that was asked for.
    World(Change<World>),
    /// Another table of modes.
    Modes(Change<Vec<Mode>>),
    /// The request's bytes and headers are taken for others.
    Request(Change<Message>),
    /// Requests are refused that must not be.
    Refuses(&'static (dyn Fn(&Message) -> bool + Sync)),
    /// The reply is changed on its way out.
    Reply(&'static (dyn Fn(&Message, &mut Reply) + Sync)),
    /// A call is answered in a way of its own.
    Call(&'static (dyn for<'a> Fn(&'a Service, Message) -> Pending<'a, Reply> + Sync)),
    /// The decoded request is changed.
    Import(Change<ImportRequest>),
    /// Imports are taken in a way of their own.
    Importer(&'static (dyn Fn(Importer) -> Arc<dyn Import> + Sync)),
    /// Look-ups find others.
    Find(Find),
    /// Writes keep something else, or nothing.
    Put(Put),
    /// Look-ups and writes deviate together.
    Store(&'static (dyn Fn() -> Arc<dyn Lens> + Sync)),
}

/// What becomes of something on its way.
type Change<T> = &'static (dyn Fn(&mut T) + Sync);

/// What a look-up finds.
pub(crate) type Find =
    &'static (dyn Fn(&dyn Transaction, DatabaseId, &LookupKey<'_>) -> Result<Vec<ProfileId>, StoreError> + Sync);

/// What is kept of a profile that is to be kept in place of `before`.
pub(crate) type Put = &'static (dyn Fn(Option<&Profile>, Profile) -> Option<Profile> + Sync);

/// The seams again, for deviations that carry what they were made from. As their faults, they are made once and stay.
impl Seam {
    pub(crate) fn world(change: impl Fn(&mut World) + Sync + 'static) -> Self {
        Self::World(lasting(change))
    }

    pub(crate) fn modes(change: impl Fn(&mut Vec<Mode>) + Sync + 'static) -> Self {
        Self::Modes(lasting(change))
    }

    pub(crate) fn request(change: impl Fn(&mut Message) + Sync + 'static) -> Self {
        Self::Request(lasting(change))
    }

    pub(crate) fn refuses(when: impl Fn(&Message) -> bool + Sync + 'static) -> Self {
        Self::Refuses(lasting(when))
    }

    pub(crate) fn reply(change: impl Fn(&Message, &mut Reply) + Sync + 'static) -> Self {
        Self::Reply(lasting(change))
    }

    pub(crate) fn call(answer: impl for<'a> Fn(&'a Service, Message) -> Pending<'a, Reply> + Sync + 'static) -> Self {
        Self::Call(lasting(answer))
    }

    pub(crate) fn import(change: impl Fn(&mut ImportRequest) + Sync + 'static) -> Self {
        Self::Import(lasting(change))
    }

    pub(crate) fn find(
        find: impl Fn(&dyn Transaction, DatabaseId, &LookupKey<'_>) -> Result<Vec<ProfileId>, StoreError> + Sync + 'static,
    ) -> Self {
        Self::Find(lasting(find))
    }

    pub(crate) fn importer(wrap: impl Fn(Importer) -> Arc<dyn Import> + Sync + 'static) -> Self {
        Self::Importer(lasting(wrap))
    }

    pub(crate) fn store<L: Lens>(lens: impl Fn() -> L + Sync + 'static) -> Self {
        Self::Store(lasting(move || -> Arc<dyn Lens> { Arc::new(lens()) }))
    }

    pub(crate) fn put(keep: impl Fn(Option<&Profile>, Profile) -> Option<Profile> + Sync + 'static) -> Self {
        Self::Put(lasting(keep))
    }
}

fn lasting<T>(deviation: T) -> &'static T {
    Box::leak(Box::new(deviation))
}

impl Seam {
    pub(crate) fn server(self) -> anyhow::Result<Arc<dyn Answer>> {
        let service = Service::new(self.build_world()?, self.build_store());
        let modes = self.build_modes();
        let store = Arc::clone(&service.store);
        let backlog = Arc::clone(&service.backlog);
        let importer = self.build_importer(Importer { store, modes, backlog });
        Ok(Arc::new(Front { service: Service { importer, modes, ..service }, seam: self }))
    }

    fn build_world(self) -> anyhow::Result<World> {
        let mut world = world_file::read(world_file::DOCUMENTED, "the documented world")?;
        if let Self::World(change) = self {
            change(&mut world);
        }
        Ok(world)
    }

    fn build_store(self) -> Arc<dyn Store> {
        let store = Arc::new(MemoryStore::new());
        let lens: Arc<dyn Lens> = match self {
            Self::Find(find) => Arc::new(Finds(find)),
            Self::Put(put) => Arc::new(Puts(put)),
            Self::Store(lens) => lens(),
            _ => return store,
        };
        Arc::new(LensStore { store, lens })
    }

    fn build_modes(self) -> &'static [Mode] {
        let Self::Modes(change) = self else { return MODES };
        let mut modes = MODES.to_vec();
        change(&mut modes);
        modes.leak() // a server asks for a table that outlives it; there are few of them
    }

    fn build_importer(self, importer: Importer) -> Arc<dyn Import> {
        match self {
            Self::Import(change) => Arc::new(Changed { importer, change }),
            Self::Importer(wrap) => wrap(importer),
            _ => Arc::new(importer),
        }
    }
}

/// Takes another request than the one that came.
struct Changed {
    importer: Importer,
    change: Change<ImportRequest>,
}

impl Import for Changed {
    fn import(&self, mut request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        (self.change)(&mut request);
        self.importer.import(request, world)
    }
}

/// Stands between the wire and the service.
struct Front {
    service: Service,
    seam: Seam,
}

impl Answer for Front {
    fn answer<'a>(&'a self, call: Call<'a>) -> Pending<'a, Reply> {
        let mut message = Message::from(&call);
        match self.seam {
            Seam::Request(change) => Box::pin(async move {
                change(&mut message);
                self.service.answer(message.call()).await
            }),
            Seam::Refuses(when) if when(&message) => {
                Box::pin(async move { message.refusal(ResponseCode::IncorrectValue) })
            }
            Seam::Reply(change) => Box::pin(async move {
                let mut reply = self.service.answer(call).await;
                change(&message, &mut reply);
                reply
            }),
            Seam::Call(answer) => answer(&self.service, message),
            _ => self.service.answer(call),
        }
    }
}
