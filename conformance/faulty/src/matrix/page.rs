//! The matrix as a page in Markdown: the same for the same suite and faults, so that it can be compared.

use super::{FAULTS_WANTED, FEW, Fate, Matrix, Tried, Worth};
use rollcall_conformance::requirement::Level;
use std::fmt::Write;

/// The whole page.
pub fn render(matrix: &Matrix<'_>) -> String {
    let parts = [head(matrix), faults(matrix), cases(matrix), rows(matrix)];
    parts.join("\n")
}

fn head(matrix: &Matrix<'_>) -> String {
    let [killed, told, survived] = [Fate::Killed, Fate::Told, Fate::Survived].map(|fate| matrix.count(fate));
    let all = matrix.tried.len();
    let worths = matrix.worths();
    let needed = worths.iter().filter(|worth| worth.is_needed()).count();
    let documenting = worths.iter().filter(|worth| worth.case.documents.is_some()).count();
    let observing = matrix.suite.cases.len() - worths.len();
    let [wanted_must, wanted_should, _] = FAULTS_WANTED.map(|(_, wanted)| wanted);
    format!(
        "# The power of the suite to detect\n\n\
         Made by `cargo xtask mutants`; do not edit. Each fault is our server with one thing wrong, on which the whole \
         suite was run.\n`cargo run -p rollcall-faulty -- NAME` serves one, so that it can be looked at.\n\n\
         **{noticed} of {all} faults are noticed as what they are**: {killed} killed, {told} told, {survived} \
         survived.\n\n\
         - `killed`: the verdict is `nonconformant`, and the row that the fault breaks is reported as failed.\n\
         - `told`: the row is reported as failed, as a warning: it is no MUST, or its cases leave room on purpose.\n\
         - {needed} of {can_fail} hand-written cases that can fail are needed: each notices a fault that at most {FEW} \
         other cases of its\n  area notice. {documenting} say what they document instead. {observing} more only record \
         answers and cannot fail.\n\
         - Every row that a case tests is broken by at least {wanted_must} faults if it is a MUST, else by \
         {wanted_should}.\n",
        noticed = killed + told,
        can_fail = worths.len(),
    )
}

fn faults(matrix: &Matrix<'_>) -> String {
    let mut table = String::from(
        "## Faults\n\n\
         | fault | story | requirement | fate | row failed | first case | cases | generated cases |\n\
         | --- | --- | --- | --- | --- | --- | ---: | ---: |\n",
    );
    for tried in &matrix.tried {
        let Tried { fault, heard } = tried;
        let (hand_written, generated): (Vec<_>, Vec<_>) =
            heard.cases.iter().partition(|id| matrix.hand_written(id).is_some());
        line(
            &mut table,
            &[
                code(fault.name),
                told(fault.story, fault.room),
                fault.breaks.to_owned(),
                matrix.fate(tried).word().to_owned(),
                yes_or_no(heard.rows.contains(fault.breaks)),
                hand_written.first().map(|id| code(id)).unwrap_or_default(),
                hand_written.len().to_string(),
                generated.len().to_string(),
            ],
        );
    }
    table
}

fn told(story: &str, room: Option<&str>) -> String {
    room.map_or_else(|| story.to_owned(), |why| format!("{story} Only told: {why}"))
}

fn cases(matrix: &Matrix<'_>) -> String {
    let mut table = String::from(
        "## Cases\n\n\
         | case | level | faults noticed | the one that fewest others of its area notice | others | documents |\n\
         | --- | --- | ---: | --- | ---: | --- |\n",
    );
    for Worth { case, kills, rarest } in matrix.worths() {
        line(
            &mut table,
            &[
                code(&case.id),
                matrix.suite.level(case).to_string(),
                kills.to_string(),
                rarest.map(|(fault, _)| code(fault.name)).unwrap_or_default(),
                rarest.map(|(_, others)| others.to_string()).unwrap_or_default(),
                case.documents.clone().unwrap_or_default(),
            ],
        );
    }
    table
}

fn rows(matrix: &Matrix<'_>) -> String {
    let mut table =
        String::from("## Requirements\n\n| requirement | level | faults that break it |\n| --- | --- | ---: |\n");
    for (row, faults) in matrix.broken_rows() {
        line(&mut table, &[row.id.clone(), row.level.to_string(), faults.to_string()]);
    }
    let untested =
        |level: Level| matrix.suite.requirements.iter().filter(move |row| row.level == level && row.untested.is_some());
    for row in untested(Level::Must) {
        line(&mut table, &[row.id.clone(), "untested".to_owned(), row.untested.clone().unwrap_or_default()]);
    }
    table
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn line(table: &mut String, cells: &[String]) {
    for cell in cells {
        // Writing into a string does not fail.
        let _ = write!(table, "| {} ", cell.replace('|', "\\|").replace('\n', " "));
    }
    table.push_str("|\n");
}
