//! The program `rollcall` as a child process: started on a free port, stopped in good order or killed.
