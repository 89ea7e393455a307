//! The map from requirement rows to the cases that test them, made from the data alone.

use std::fmt::Write;

use anstyle::Style;

use crate::filter::Filter;
use crate::suite::Suite;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The map as text, one paragraph a row; rows are selected by their own id or that of a case.
pub fn render(suite: &Suite, filter: &Filter) -> String {
    let mut out = String::new();
    let (mut rows, mut untested, mut area) = (0, 0, "");
    for row in &suite.requirements {
        let cases: Vec<_> = suite.cases_of(&row.id).collect();
        if !filter.fits(&row.id) && !cases.iter().any(|case| filter.fits(&case.id)) {
            continue;
        }
        rows += 1;
        if row.area != area {
            area = &row.area;
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(out, "{BOLD}== {area} =={BOLD:#}\n");
        }
        let _ = writeln!(out, "{BOLD}{}{BOLD:#}  {}  {DIM}{}{DIM:#}", row.id, row.level, row.source);
        let _ = writeln!(out, "    {}", row.says);
        for case in &cases {
            let formats: Vec<&str> = case.formats.iter().map(|format| format.word()).collect();
            let _ = writeln!(out, "    - {} ({}): {}", case.id, formats.join(", "), case.title);
        }
        match (&row.untested, cases.is_empty()) {
            (Some(reason), _) => {
                untested += 1;
                let _ = writeln!(out, "    untested: {reason}");
            }
            (None, true) => out.push_str("    NO CASE YET, and no reason given\n"),
            (None, false) => {}
        }
        out.push('\n');
    }
    let cases = suite.cases.iter().filter(|case| filter.selects(case)).count();
    let _ = writeln!(out, "{rows} requirement rows ({untested} untested, with the reason), {cases} cases");
    out
}
