// The merge rules on JSON documents: what server-side apply is made of. Pure; a member that is null
// is there, as in the original.
#pragma once

#include <optional>
#include <string>

#include "api/apply/compare.h"
#include "api/apply/field_set.h"
#include "api/apply/merge_type.h"
#include "codec/json.h"

namespace kpp::api {

// The path element of a list's item. Errors: kBadRequest, in the original's words.
Result<std::string> item_element(const MergeType& list, const json::Value& item);

// Whether the document fits the type: declared members only, scalars of their kind, no two items of
// one key. Errors: kBadRequest with all that is wrong, each with its path.
Status check_document(const MergeType& type, const json::Value& document);

// The fields that a document sets.
FieldSet document_fields(const MergeType& type, const json::Value& document);

// `now` laid over `old`: maps and lists by their members and keys, in the order of `now`. nullopt:
// nothing is left.
std::optional<json::Value> merge_documents(const MergeType& type, const json::Value& old,
                                           const json::Value& now);

// The document without the members of a set; what loses all its members becomes null.
json::Value without_fields(const MergeType& type, const json::Value& document,
                           const FieldSet& fields);

Comparison compare_documents(const MergeType& type, const json::Value& old, const json::Value& now);

// Equality by value: numbers by what they say, objects whatever their order.
bool same_document(const json::Value& a, const json::Value& b);

}  // namespace kpp::api
