// Pieces that the handlers of all verbs share: decoding bodies, writing objects out, options of
// requests.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/json_codec.h"
#include "apiserver/call.h"
#include "base/status.h"
#include "net/http.h"

namespace kpp::apiserver {

// --- answers

net::Response respond_status(const Status& status, const Call* call = nullptr);
net::Response respond_json(int status, std::string body);
// kBadRequest for an includeObject that a Table does not know.
Status check_include_object(const Call& call);

// An object as the client wants it: JSON (the cached bytes themselves), YAML, protobuf, Table or
// metadata only.
net::Response respond_object(Call& call, int status, const CachedObject& object);
// An object that is not kept in the store, e.g. a Scale or a TokenReview.
net::Response respond_typed(Call& call, int status, const api::Object& object);
// An empty body for success without an object, with the warnings of the call.
void add_warnings(net::Response& response, const Call& call);

// The cached object as the call's served version has it (the storage version's bytes unless
// versions differ).
api::Object decode_cached(const ServedResource& served, const CachedObject& object);
// What forms that show metadata only (PartialObjectMetadata, rows of a Table) have of an object.
metav1::ObjectMeta bare_metadata(const ServedResource& served, const api::Object& object);
net::SharedBytes served_json(const ServedResource& served, const CachedObject& object);
api::Object to_served(const ServedResource& served, api::Object storage_object);
api::Object to_storage(const ServedResource& served, api::Object object);

// --- bodies

// A document from the request's body, by its content type. The errors are those of a wrong body of
// `expected_kind`; if that is empty, they do not say what the body should have been.
struct Body {
  json::Value document;
  std::vector<std::string> duplicates;
};
Result<Body> parse_body(const Call& call, std::string_view expected_kind);

// Decodes a body into an object of `type` (kind and apiVersion are checked), handling unknown and
// duplicate fields as the request's fieldValidation says; fills call.warnings.
Result<api::Object> decode_object(Call& call, const api::TypeDesc& type);
// The same for a body that is parsed already.
Result<api::Object> decode_document(Call& call, const api::TypeDesc& type,
                                    const json::Value& document,
                                    const std::vector<std::string>& duplicates);
// The same for a document that a patch made: what the document itself has wrong is kInvalid, in the
// decoder's bare words.
Result<api::Object> decode_patched(Call& call, const api::TypeDesc& type,
                                   const json::Value& document,
                                   const std::vector<std::string>& duplicates);

// Secret.stringData is for writing only: its members go into data.
void take_write_only_fields(api::Object& object);

// --- store

struct Written {
  std::shared_ptr<const CachedObject> object;
  bool created = false;
};

// Waits until the cache shows everything that is written; kTimeout when it does not in the time
// that a request has.
async::Task<Status> freshen(Call& call);
// For reads that name a version: waits until the cache has it, and all that this process has
// written. Others may have written more. kTimeout too if nobody has written the version yet.
async::Task<Status> reach(Call& call, store::Revision revision);

// What admission says to an object that is made but not stored: it acts on the object of the path
// (a token request, an eviction).
Status admit_action(Call& call, api::Object& object);
CachedRef cached(const Call& call);  // the object of the call's key, or nullptr

// Stores a new object (already admitted and validated, without a resourceVersion), which must stay
// until the answer is there. kAlreadyExists.
async::Task<Result<Written>> store_new(Call& call, const ServedResource& resource,
                                       const api::Object& object);
// Replaces the object if the store still has `current`; kConflict otherwise.
async::Task<Result<Written>> store_changed(Call& call, const ServedResource& resource,
                                           api::Object object, CachedRef current);
// Removes it. Gives the revision.
async::Task<Result<store::Revision>> store_removed(Call& call, const ServedResource& resource,
                                                   CachedRef current);

}  // namespace kpp::apiserver
