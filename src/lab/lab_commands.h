// `kpp lab ...`: what a person does with a lab from a shell.
#pragma once

namespace kpp::lab {

// argv[0] is "lab". `list`; `enter NODE [--name LAB] [-- COMMAND...]`; `down [--name LAB]`. Answers
// the exit code; for enter it is the command's own.
int lab_main(int argc, char** argv);

}  // namespace kpp::lab
