// The function libraries: each adds its functions to a table.
#pragma once

#include "cel/functions.h"

namespace kpp::cel {

void add_operators(FunctionTable& table);
void add_conversions(FunctionTable& table);
void add_time_functions(FunctionTable& table);
void add_text_functions(FunctionTable& table);
void add_string_library(FunctionTable& table);
void add_optional_library(FunctionTable& table);
void add_list_library(FunctionTable& table);
void add_set_library(FunctionTable& table);
void add_regex_library(FunctionTable& table);
void add_url_library(FunctionTable& table);
void add_address_library(FunctionTable& table);
void add_quantity_library(FunctionTable& table);
void add_semver_library(FunctionTable& table);
void add_authorizer_library(FunctionTable& table);
void add_json_patch_library(FunctionTable& table);

}  // namespace kpp::cel
