//! The parts that stand in the page itself, readable without the script: summary, failures, rows, fingerprint, defects.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::results::{Body, CaseResult, Exchange, Failure, Results, Surprise, Words};
use super::view::{Chapter, Implementation, Line, View};
use crate::case::area;
use crate::render::escape_xml;
use crate::report::Conclusion;
use crate::report::mark::Mark;
use crate::report::plain::{cut, one_line, visible};
use crate::requirement::Level;

/// So many failures of a target stand in the page; the rest is for the script.
const FAILURE_LIMIT: usize = 60;
/// A longer text is cut here; the view of cases has all of it.
const TEXT_LIMIT: usize = 3_000;

/// What the browser calls the page.
pub(super) fn title(view: &View<'_>) -> String {
    match view.implementations.as_slice() {
        [one] => format!("{}: {}", text(&one.name), text(one.results.verdict)),
        several => format!("{} implementations compared", several.len()),
    }
}

/// A card for each implementation, then what failed.
pub(super) fn summary(view: &View<'_>) -> String {
    let mut out = String::from("<div class=\"cards\">\n");
    let several = view.implementations.len() > 1;
    for (by, one) in view.implementations.iter().enumerate() {
        let (levels, areas) = (by_level(one, by, several), by_area(one));
        // Side by side, cards have room for one table.
        out.push_str(&card(one, &if several { levels } else { levels + &areas }));
    }
    out.push_str("</div>\n");
    for one in &view.implementations {
        let of = if several { format!(" of {}", text(&one.name)) } else { String::new() };
        out.push_str(&failures(one, &of));
        out.push_str(&unsupported(one.results, &of));
    }
    out
}

fn card(one: &Implementation<'_>, tables: &str) -> String {
    let results = one.results;
    let verdict = text(results.verdict);
    let reasons = results.reasons.iter().map(|reason| format!("<li>{}</li>\n", text(reason)));
    let reasons: String = reasons.chain(results.unexpected.iter().map(surprise)).collect();
    let reasons = if reasons.is_empty() { reasons } else { format!("<ul class=\"reasons\">\n{reasons}</ul>\n") };
    let lead = match results.verdict == Conclusion::Inconclusive.word() {
        true => "It could not be judged. This is no success.".to_owned(),
        false => one.tally.sentence() + ".",
    };
    let mut facts = vec![
        ("target", text(results.target)),
        ("world", text(results.world)),
        ("seed", results.seed.to_string()),
        ("suite", text(results.suite_version)),
        ("verdicts", format!("{} of {}", results.delivered, results.planned)),
        ("took", format!("{}.{} s", results.elapsed_ms / 1000, results.elapsed_ms % 1000 / 100)),
    ];
    if results.read_only {
        facts.push(("sent", "only what stores nothing".to_owned()));
    }
    let facts: String =
        facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")).collect();
    format!(
        "<article class=\"card {verdict}\">\n<h2><span class=\"name\">{}</span><span class=\"verdict\">{verdict}</span>\
         </h2>\n<p class=\"lead\">{lead}</p>\n{reasons}<div class=\"tables\">\n{tables}</div>\n<dl class=\"facts\">\n{facts}</dl>\n\
         </article>\n",
        text(&one.name)
    )
}

fn surprise(surprise: &Surprise<'_>) -> String {
    let Surprise { place, what, next } = surprise;
    format!("<li>{} <span class=\"dim\">{}</span><br>{}</li>\n", prose(what), text(place), prose(next))
}

/// Marks by level; several cards stand side by side, so it must be narrow.
fn by_level(one: &Implementation<'_>, by: usize, several: bool) -> String {
    let of = if several { format!("&by={by}") } else { String::new() };
    let row = |mark: Mark| {
        let cell =
            |level: Level| count(&format!("#view=cases{of}&level={level}&mark="), mark, one.tally.count(level, mark));
        (mark_of(mark.word()), Level::ALL.map(cell).concat())
    };
    let rows: Vec<_> = Mark::ALL.into_iter().filter(|&mark| one.tally.total(mark) > 0).map(row).collect();
    table("verdicts", &Level::ALL.map(|level| level.word().to_owned()), &rows)
}

/// Areas by mark.
fn by_area(one: &Implementation<'_>) -> String {
    let mut counts: BTreeMap<&str, BTreeMap<Mark, usize>> = BTreeMap::new();
    for case in &one.results.cases {
        *counts.entry(area(case.id)).or_default().entry(case.mark()).or_default() += 1;
    }
    let marks: Vec<Mark> = Mark::ALL.into_iter().filter(|&mark| one.tally.total(mark) > 0).collect();
    let row = |(name, counts): (&&str, &BTreeMap<Mark, usize>)| {
        let link = format!("#view=cases&area={}&mark=", in_address(name));
        let cell = |&mark: &Mark| count(&link, mark, counts.get(&mark).copied().unwrap_or_default());
        (text(name), marks.iter().map(cell).collect())
    };
    let columns: Vec<String> = marks.iter().map(|mark| mark_of(mark.word())).collect();
    table("area", &columns, &counts.iter().map(row).collect::<Vec<_>>())
}

fn table(corner: &str, columns: &[String], rows: &[(String, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head: String = columns.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let body: String =
        rows.iter().map(|(name, cells)| format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")).collect();
    format!(
        "<div class=\"scroll\"><table class=\"counts\">\n<thead><tr><th scope=\"col\">{corner}</th>{head}</tr></thead>\n\
         <tbody>\n{body}</tbody>\n</table></div>\n"
    )
}

fn count(link: &str, mark: Mark, count: usize) -> String {
    match count {
        0 => "<td class=\"zero\">0</td>".to_owned(),
        _ => format!("<td><a href=\"{}{}\">{count}</a></td>", text(link), mark.word()),
    }
}

/// What failed, broken MUSTs first, as much as a reader without the script needs.
fn failures(one: &Implementation<'_>, of: &str) -> String {
    let mut broken: Vec<&CaseResult<'_>> = one.results.cases.iter().filter(|case| case.failure.is_some()).collect();
    broken.sort_by_key(|case| case.mark());
    if broken.is_empty() {
        return String::new();
    }
    let mut out = format!("<section class=\"failures\">\n<h2>What failed{of}</h2>\n");
    for (position, case) in broken.iter().take(FAILURE_LIMIT).enumerate() {
        out.push_str(&failure(one, case, position == 0));
    }
    if let Some(rest) = broken.len().checked_sub(FAILURE_LIMIT).filter(|&rest| rest > 0) {
        // Writing to a string cannot fail, here and below.
        let _ =
            writeln!(out, "<p><a href=\"#view=cases\" class=\"needs-script\">{rest} more are among the cases</a></p>");
    }
    out + "</section>\n"
}

fn failure(one: &Implementation<'_>, case: &CaseResult<'_>, is_open: bool) -> String {
    let Some(failure) = &case.failure else { return String::new() };
    let says = blamed(one.results, case).map(|row| prose(row.says)).unwrap_or_default();
    let mut fields = Vec::new();
    if let Some(row) = blamed(one.results, case) {
        fields.push((
            "requirement",
            format!("<code>{}</code> {} <span class=\"dim\">{}</span>", text(row.id), says, text(row.source)),
        ));
    }
    let file = if case.file.is_empty() { String::new() } else { format!("conformance/{}", case.file) };
    fields.push(("case", format!("{} <span class=\"dim\">{}</span>", prose(case.title), text(&file))));
    if let Some(excuse) = &case.excuse {
        fields.push(("known", format!("{} <span class=\"dim\">{}</span>", text(excuse.reason), text(excuse.list))));
    }
    fields.push(("expected", format!("{} <span class=\"dim\">{}</span>", long(failure.expected), text(failure.step))));
    fields.push(("actual", long(failure.actual)));
    fields.extend(told_exchange(case, failure));
    let fields: String =
        fields.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")).collect();
    let (mark, format) = (case.mark().word(), case.format);
    let open = if is_open { " open" } else { "" };
    format!(
        "<details class=\"failure\"{open} data-case=\"{id}\">\n<summary>{} <code>{id}</code> <span class=\"format\">{format}</span> \
         <span class=\"says\">{says}</span></summary>\n<dl class=\"fields\">\n{fields}</dl>\n\
         <p><a class=\"needs-script\" href=\"#view=cases&amp;open={link}\">Everything this case sent and was answered</a></p>\n</details>\n",
        mark_of(mark),
        id = text(case.id),
        link = text(&in_address(case.id)),
    )
}

fn blamed<'a>(results: &'a Results<'_>, case: &CaseResult<'_>) -> Option<&'a super::results::Row<'a>> {
    let blamed = case.requirements.first()?;
    results.requirements.iter().find(|row| row.id == *blamed)
}

fn told_exchange(case: &CaseResult<'_>, failure: &Failure<'_>) -> Vec<(&'static str, String)> {
    let Some(at) = failure.exchange else { return Vec::new() };
    let Some(Exchange { request, answer, no_answer }) = case.exchanges.get(at) else { return Vec::new() };
    let sent = format!("{} {}\n{}", request.method, request.url, body(&request.body));
    let answered = match answer {
        Some(answer) => format!("HTTP {}\n{}", answer.status, body(&answer.body)),
        None => format!("none: {}", no_answer.unwrap_or_default()),
    };
    let mut fields = vec![("request", block(&sent)), ("answer", block(&answered))];
    fields.extend(case.curl.get(at).map(|line| ("again", block(line))));
    fields
}

fn body(body: &Body<'_>) -> String {
    match body {
        Body::Text(text) => cut(text, TEXT_LIMIT),
        Body::Hex(digits) => format!("bytes that are no text: {}", cut(digits, TEXT_LIMIT)),
    }
}

fn unsupported(results: &Results<'_>, of: &str) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for case in results.cases.iter().filter(|case| case.mark() == Mark::Unsupported) {
        *reasons.entry(case.message).or_default() += 1;
    }
    if reasons.is_empty() {
        return String::new();
    }
    let items: String =
        reasons.iter().map(|(reason, count)| format!("<li><b>{count}</b> {}</li>\n", prose(reason))).collect();
    format!("<section>\n<h2>What was not tried{of}</h2>\n<ul class=\"plain\">\n{items}</ul>\n</section>\n")
}

/// Every row by chapter, with a mark for each implementation.
pub(super) fn requirements(view: &View<'_>) -> String {
    let names: Vec<&str> = view.implementations.iter().map(|one| one.name.as_str()).collect();
    view.chapters.iter().map(|chapter| chapter_of_rows(chapter, &names)).collect()
}

fn chapter_of_rows(chapter: &Chapter<'_>, names: &[&str]) -> String {
    let shown_names = if names.len() > 1 { names } else { &[] };
    let cells: String = shown_names.iter().map(|name| format!("<span class=\"cell\">{}</span>", text(name))).collect();
    let rows: String = chapter.rows.iter().map(|line| row(line, names)).collect();
    format!(
        "<section class=\"group\">\n<div class=\"head\"><h3>{} <span class=\"dim\">{}</span> <span class=\"tally\"></span>\
         </h3><span class=\"cells\" aria-hidden=\"true\">{cells}</span></div>\n{rows}</section>\n",
        text(chapter.title),
        text(chapter.place)
    )
}

fn row(line: &Line<'_>, names: &[&str]) -> String {
    let cells: String = line
        .marks
        .iter()
        .zip(names)
        .map(|(mark, name)| {
            format!("<span class=\"cell\"><span class=\"cell-name\">{}</span>{}</span>", text(name), mark_of(mark))
        })
        .collect();
    let says = prose(line.row.says);
    let differs = line.marks.iter().any(|mark| *mark != line.marks[0]);
    format!(
        "<div class=\"row\" data-row=\"{id}\" data-marks=\"{}\" data-differs=\"{differs}\">\n<div class=\"line\">\
         <button type=\"button\" class=\"opener\" aria-expanded=\"false\"><span class=\"what\">{says}</span> \
         <span class=\"id\">{id}</span></button><span class=\"level\">{level}</span>\
         <span class=\"cells\">{cells}</span></div>\n</div>\n",
        text(&line.marks.join(" ")),
        id = text(line.row.id),
        level = line.row.level,
    )
}

/// Observed words, a column for each implementation.
pub(super) fn fingerprint(view: &View<'_>) -> String {
    let mut names: Vec<&str> =
        view.implementations.iter().flat_map(|one| one.results.fingerprint.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return "<p>Nothing was observed.</p>\n".to_owned();
    }
    let head: String =
        view.implementations.iter().map(|one| format!("<th scope=\"col\">{}</th>", text(&one.name))).collect();
    let mut out = format!(
        "<div class=\"scroll\"><table class=\"words\">\n<thead><tr><th scope=\"col\">question</th>{head}</tr></thead>\n<tbody>\n"
    );
    for name in names {
        let words: Vec<_> = view.implementations.iter().map(|one| one.results.fingerprint.get(name)).collect();
        let cells: String = words.iter().map(|words| format!("<td>{}</td>", words_of(*words))).collect();
        let differs = words.iter().any(|other| *other != words[0]);
        let _ = writeln!(out, "<tr data-differs=\"{differs}\"><th scope=\"row\">{}</th>{cells}</tr>", text(name));
    }
    out + "</tbody>\n</table></div>\n"
}

fn words_of(words: Option<&Words<'_>>) -> String {
    match words {
        None => "<span class=\"dim\">not asked</span>".to_owned(),
        Some(Words::Same(word)) => long(word),
        Some(Words::ByFormat(words)) => {
            let words: Vec<String> = words
                .iter()
                .map(|(format, word)| format!("{} <span class=\"format\">{format}</span>", long(word)))
                .collect();
            words.join("<br>")
        }
    }
}

/// The defects of the documentation, as the first of the results tells them.
pub(super) fn document(view: &View<'_>) -> String {
    let mut out = String::new();
    for defect in view.implementations.iter().take(1).flat_map(|one| &one.results.document_defects) {
        let readings: String = defect.readings.iter().map(|reading| format!("<li>{}</li>\n", prose(reading))).collect();
        let shown: String = defect.shown.iter().map(|line| format!("<p class=\"dim\">{}</p>\n", text(line))).collect();
        let _ = writeln!(
            out,
            "<article class=\"defect\">\n<h3>{} <span class=\"dim\">{} page:{}</span></h3>\n<p>{}</p>\n<ul>\n{readings}</ul>\n{shown}</article>",
            prose(defect.what),
            text(defect.id),
            text(defect.page),
            prose(defect.asserted)
        );
    }
    if out.is_empty() { "<p>None is known.</p>\n".to_owned() } else { out }
}

fn mark_of(word: &str) -> String {
    format!("<span class=\"mark {0}\">{0}</span>", text(word))
}

fn block(content: &str) -> String {
    format!("<pre tabindex=\"0\">{}</pre>", escape_xml(&visible(content)))
}

/// A text of the target within a sentence.
fn long(content: &str) -> String {
    format!("<bdi>{}</bdi>", text(&cut(content, TEXT_LIMIT)))
}

/// A value within the fragment of an address.
fn in_address(value: &str) -> String {
    value.replace('%', "%25").replace('&', "%26").replace('+', "%2B")
}

fn text(content: &str) -> String {
    escape_xml(&one_line(content))
}

/// A sentence in which backticks mark code.
fn prose(sentence: &str) -> String {
    let mut out = String::new();
    for (position, piece) in text(sentence).split('`').enumerate() {
        match position % 2 {
            0 => out.push_str(piece),
            _ => out.push_str(&format!("<code>{piece}</code>")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_mark_code_and_nothing_else_is_markup() {
        assert_eq!(prose("Mode `email` & <b>"), "Mode <code>email</code> &amp; &lt;b&gt;");
        assert_eq!(text("\"'\u{202e}\n"), "&quot;&apos;\\u{202e}\\n");
    }
}
