// Objects as the store has them: JSON as this server writes it, JSON or protobuf as others do.
#pragma once

#include <string>

#include "api/schema.h"
#include "apiserver/resources.h"
#include "base/status.h"

namespace kpp::apiserver {

struct StoredObject {
  api::Object object;  // of the resource's storage version
  // How this server would have stored it; empty where the stored bytes are that already.
  std::string json;
};

// `resource` is the version that the store keeps. Errors: kCorrupt: no object of the resource, or
// one that was encrypted.
Result<StoredObject> read_stored(const ServedResource& resource, const std::string& stored);
// Of a kind that the store has and nobody is served.
Result<api::Object> read_stored(const api::TypeDesc& type, const std::string& stored);

}  // namespace kpp::apiserver
