//! Makes a sequence that can be sent of one that was drawn: what this world or the model cannot carry is left out, and
//! every step gets its prediction.

use super::Features;
use super::import::Arrays;
use super::import::{Address, Call, Custom, Data, Database, Defect, Import, Mode, Resource};
use super::oracle::{Oracle, Prediction, Reading};

/// A sequence with what each step must be answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settled {
    /// The imports, in order; the last one can fail.
    pub(super) steps: Vec<Step>,
    /// True if a prediction rests on what implementations should do, but need not.
    pub(super) is_lowered: bool,
}

/// One import of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// What is sent.
    pub(super) import: Import,
    /// What must be answered.
    pub(super) prediction: Prediction,
    /// Where it must be refused: the same without what is wrong.
    pub(super) twin: Option<Import>,
}

/// Settles imports in their order. `demands` says whether the stricter of the two readings is wanted.
pub(super) fn settle(drawn: &[Import], features: &Features, reading: Reading) -> Settled {
    let mut oracles = [Reading::Must, reading].map(Oracle::new);
    let (mut steps, mut lowered) = (Vec::new(), Vec::new());
    for import in drawn {
        let mut import = fit(import.clone(), features, &oracles[0], &steps);
        fit_call(&mut import, features, &oracles[1], reading);
        let [lenient, strict] = oracles.each_mut().map(|oracle| oracle.predict(&import));
        lowered.push(lenient != strict || !is_spelled_for_everybody(&import));
        let twin = (strict == Prediction::Refused).then(|| twin_of(&import, &oracles[0])).flatten();
        steps.push(Step { import, prediction: strict, twin });
    }
    let binding = steps.iter().rposition(|step| step.prediction != Prediction::Free).map_or(0, |last| last + 1);
    steps.truncate(binding);
    let is_lowered = lowered[..binding].contains(&true);
    Settled { steps, is_lowered }
}

/// X3, X4: the attribute on several items, or on none where the list is one subscription, is a SHOULD.
fn is_spelled_for_everybody(import: &Import) -> bool {
    let is_single = import.data.subscriptions.len() + usize::from(import.data.bad.is_some()) == 1;
    match import.spelling.arrays {
        Arrays::Single | Arrays::Double => true,
        Arrays::None => {
            !is_single && import.data.subscriptions.iter().all(|one| one.categories != Some(1)) && !import.flags.segment
        }
        Arrays::All | Arrays::First => false,
    }
}

fn fit(mut import: Import, features: &Features, oracle: &Oracle, before: &[Step]) -> Import {
    fit_to_world(&mut import, features);
    fit_profile(&mut import, oracle);
    if before.is_empty() && may_be_refused(&import) {
        import.mode = Mode::Default; // the first one can fail, so that no sequence is without a prediction
        import.key.email.get_or_insert(0);
    }
    // One refusal a case: the twins of several would meet each other.
    let has_refusal = before.iter().any(|step| step.prediction == Prediction::Refused);
    if has_refusal || (may_be_refused(&import) && import.defect != Some(Defect::UnknownProfile)) {
        import.defect = None;
        import.data.bad = import.data.bad.filter(|_| import.flags.skip_invalid == Some(true));
    }
    if import.defect.is_some() {
        import.data.bad = None; // one thing is wrong
    }
    if import.data == Data::default() {
        import.data.name = Some(0); // what an empty `data` does is free (D14)
    }
    import
}

/// What the calls beside the import do is a SHOULD, and certain only where they find one profile.
fn fit_call(import: &mut Import, features: &Features, oracle: &Oracle, reading: Reading) {
    let modes_of_deletion = [Mode::Email, Mode::Phone, Mode::ProfileId, Mode::Custom];
    let is_known = match import.call {
        Call::Import => true,
        Call::Update => features.update,
        Call::Delete => features.delete && modes_of_deletion.contains(&import.mode),
    };
    let is_sound = import.defect.is_none() && import.data.bad.is_none();
    if !(is_known && is_sound && reading == Reading::Should && oracle.only_match(import).is_some()) {
        import.call = Call::Import;
    }
}

/// True if the import may lawfully be refused though nothing is wrong with it (M4, M6), or changes a known profile.
fn may_be_refused(import: &Import) -> bool {
    let (email, phone) = (import.key.email, import.key.phone);
    match import.mode {
        Mode::ProfileId | Mode::CustomSub => true,
        Mode::EmailPhone | Mode::EmailPhoneSub => email.is_none() || phone.is_none(),
        _ => false,
    }
}

fn fit_to_world(import: &mut Import, features: &Features) {
    if !features.other_database {
        import.database = Database::Main;
    }
    let is_main = import.database == Database::Main;
    let has_number = is_main && features.number;
    let Data { word, number, subscriptions, bad, .. } = &mut import.data;
    *word = word.filter(|_| features.word);
    *number = number.filter(|_| has_number);
    *bad = bad.filter(|_| features.resource);
    subscriptions.retain(|_| features.resource);
    for one in subscriptions {
        let is_small = matches!(one.address, Address::Email(_) | Address::Sms(_));
        if !(is_main && features.other_resource && is_small) {
            one.resource = Resource::Main;
        }
        let is_full = one.resource == Resource::Main;
        let categories = features.categories.min(2);
        one.categories = one.categories.map(|count| count.min(categories)).filter(|&count| is_full && count > 0);
        one.field = one.field.filter(|_| is_full && features.subscription_field);
    }
    import.flags.segment &= is_main && features.segment;
    import.key.custom = match import.key.custom {
        Some(Custom::Number(pick)) if !has_number => Some(Custom::Word(pick)),
        custom => custom,
    };
    if import.key.custom.is_some() && !features.word {
        import.key.custom = None;
        import.mode = Mode::Default;
    }
    if import.mode == Mode::Default {
        import.key.email.get_or_insert(0);
    }
}

/// An id must be there to be sent; one that leads nowhere comes with data that changes nothing.
fn fit_profile(import: &mut Import, oracle: &Oracle) {
    if import.mode != Mode::ProfileId {
        import.key.profile = None;
        import.defect = import.defect.filter(|defect| *defect != Defect::UnknownProfile);
        return;
    }
    let made = oracle.made();
    let drawn = import.key.profile.unwrap_or_default();
    match made.get(drawn % made.len().max(1)) {
        None => {
            import.mode = Mode::Email;
            import.key.profile = None;
            import.key.email.get_or_insert(0);
            fit_profile(import, oracle);
        }
        Some((step, database)) => {
            import.key.profile = Some(*step);
            if *database != import.database || import.defect.is_some() {
                import.data = Data { name: Some(0), ..Data::default() };
                import.flags.segment = false;
            }
            if import.defect.is_some() {
                import.database = *database;
                import.defect = Some(Defect::UnknownProfile);
            }
        }
    }
}

/// The import that differs in the one wrong thing, if there is one.
fn twin_of(import: &Import, oracle: &Oracle) -> Option<Import> {
    let mut twin = import.clone();
    if import.mode == Mode::ProfileId && import.defect.is_none() {
        twin.database = oracle.made().into_iter().find(|(step, _)| Some(*step) == import.key.profile)?.1;
        return Some(twin);
    }
    twin.defect = None;
    if import.defect.is_none() {
        twin.data.bad = None;
    }
    Some(twin)
}
