//! The parts that stand in the page itself, readable without the script: summary, failures, rows, fingerprint, defects.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::results::{Body, CaseResult, Exchange, Failure, Results, Words};
use super::view::{Chapter, Implementation, Line, View};
use crate::render::escape_xml;
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
    for one in &view.implementations {
        out.push_str(&card(one));
    }
    out.push_str("</div>\n");
    for one in &view.implementations {
        let of = if view.implementations.len() > 1 { format!(" of {}", text(&one.name)) } else { String::new() };
        out.push_str(&failures(one, &of));
        out.push_str(&unsupported(one.results, &of));
    }
    out
}

fn card(one: &Implementation<'_>) -> String {
    let results = one.results;
    let verdict = text(results.verdict);
    let reasons: String = results.reasons.iter().map(|reason| format!("<li>{}</li>\n", text(reason))).collect();
    let lead = match results.reasons.is_empty() {
        true => format!("{}.", capitalized(&one.tally.sentence())),
        false => "It could not be judged. This is no success.".to_owned(),
    };
    let facts = [
        ("target", text(results.target)),
        ("world", text(results.world)),
        ("seed", results.seed.to_string()),
        ("suite", text(results.suite_version)),
        ("verdicts", format!("{} of {}", results.delivered, results.planned)),
        ("took", format!("{}.{} s", results.elapsed_ms / 1000, results.elapsed_ms % 1000 / 100)),
    ];
    let facts: String =
        facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")).collect();
    format!(
        "<article class=\"card {verdict}\">\n<h2><span class=\"name\">{}</span><span class=\"verdict\">{verdict}</span>\
         </h2>\n<p class=\"lead\">{lead}</p>\n<ul class=\"reasons\">\n{reasons}</ul>\n{}<dl class=\"facts\">\n{facts}</dl>\n\
         </article>\n",
        text(&one.name),
        counts(one)
    )
}

fn capitalized(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// A count is a link to the cases behind it.
fn counts(one: &Implementation<'_>) -> String {
    let shown: Vec<Mark> = Mark::ALL.into_iter().filter(|&mark| one.tally.total(mark) > 0).collect();
    if shown.is_empty() {
        return String::new();
    }
    let head: String = shown.iter().map(|mark| format!("<th scope=\"col\">{}</th>", mark_of(mark.word()))).collect();
    let mut out = format!(
        "<div class=\"scroll\"><table class=\"counts\">\n<thead><tr><th scope=\"col\">verdicts</th>{head}</tr></thead>\n<tbody>\n"
    );
    for level in Level::ALL {
        let cells: String = shown.iter().map(|&mark| count(level, mark, one.tally.count(level, mark))).collect();
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "<tr><th scope=\"row\">{level}</th>{cells}</tr>");
    }
    out + "</tbody>\n</table></div>\n"
}

fn count(level: Level, mark: Mark, count: usize) -> String {
    match count {
        0 => "<td class=\"zero\">0</td>".to_owned(),
        _ => format!("<td><a href=\"#view=cases&amp;mark={}&amp;level={level}\">{count}</a></td>", mark.word()),
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
    for case in broken.iter().take(FAILURE_LIMIT) {
        out.push_str(&failure(one, case));
    }
    if let Some(rest) = broken.len().checked_sub(FAILURE_LIMIT).filter(|&rest| rest > 0) {
        let _ = writeln!(out, "<p><a href=\"#view=cases\">{rest} more are among the cases</a></p>");
    }
    out + "</section>\n"
}

fn failure(one: &Implementation<'_>, case: &CaseResult<'_>) -> String {
    let Some(failure) = &case.failure else { return String::new() };
    let says = blamed(one.results, case).map(|row| prose(row.says)).unwrap_or_default();
    let mut fields = Vec::new();
    if let Some(row) = blamed(one.results, case) {
        fields.push(("requirement", format!("<code>{}</code> {} <span class=\"dim\">{}</span>", text(row.id), says, text(row.source))));
    }
    fields.push(("case", format!("{} <span class=\"dim\">conformance/{}</span>", prose(case.title), text(case.file))));
    if let Some(excuse) = &case.excuse {
        fields.push(("known", format!("{} <span class=\"dim\">{}</span>", text(excuse.reason), text(excuse.list))));
    }
    fields.push(("expected", format!("{} <span class=\"dim\">{}</span>", long(failure.expected), text(failure.step))));
    fields.push(("actual", long(failure.actual)));
    fields.extend(told_exchange(case, failure));
    let fields: String =
        fields.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")).collect();
    let (mark, format) = (case.mark().word(), case.format);
    format!(
        "<details class=\"failure\" data-case=\"{id}\">\n<summary>{} <code>{id}</code> <span class=\"format\">{format}</span> \
         <span class=\"says\">{says}</span></summary>\n<dl class=\"fields\">\n{fields}</dl>\n\
         <p><a class=\"needs-script\" href=\"#view=cases&amp;open={link}\">Everything this case sent and was answered</a></p>\n</details>\n",
        mark_of(mark),
        id = text(case.id),
        link = text(&case.id.replace('%', "%25").replace('&', "%26")),
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
    let mut out = columns(&names);
    for chapter in &view.chapters {
        out.push_str(&chapter_of_rows(chapter, &names));
    }
    out
}

fn columns(names: &[&str]) -> String {
    if names.len() < 2 {
        return String::new();
    }
    let cells: String = names.iter().map(|name| format!("<span class=\"cell\">{}</span>", text(name))).collect();
    format!("<div class=\"columns\" aria-hidden=\"true\"><span></span><span class=\"cells\">{cells}</span></div>\n")
}

fn chapter_of_rows(chapter: &Chapter<'_>, names: &[&str]) -> String {
    let rows: String = chapter.rows.iter().map(|line| row(line, names)).collect();
    format!(
        "<section class=\"group\">\n<h3>{} <span class=\"dim\">{}</span> <span class=\"tally\"></span></h3>\n{rows}</section>\n",
        text(chapter.title),
        text(chapter.place)
    )
}

fn row(line: &Line<'_>, names: &[&str]) -> String {
    let cells: String = line
        .marks
        .iter()
        .zip(names)
        .map(|(mark, name)| format!("<span class=\"cell\"><span class=\"cell-name\">{}</span>{}</span>", text(name), mark_of(mark)))
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
    let mut names: Vec<&str> = view.implementations.iter().flat_map(|one| one.results.fingerprint.keys().copied()).collect();
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
        let _ = writeln!(
            out,
            "<article class=\"defect\">\n<h3>{} <span class=\"dim\">{} page:{}</span></h3>\n<p>{}</p>\n<ul>\n{readings}</ul>\n</article>",
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
