// What a request carries through the handlers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/auth/user.h"
#include "apiserver/negotiation.h"
#include "apiserver/request_info.h"
#include "apiserver/resources.h"
#include "apiserver/watch_cache.h"
#include "async/executor.h"
#include "base/log.h"
#include "net/http.h"
#include "store/store.h"

namespace kpp::apiserver {

class Admission;
class AuditTrail;
class Authorizer;
class Allocators;
class Authenticator;
class ServiceAccountTokens;
class ServiceClaims;

// What all handlers share. Everything outlives every call. Runs on: one executor.
struct Core {
  async::Executor& executor;
  store::Store& store;
  WatchCache& cache;
  const ResourceTable& table;
  Authorizer& authorizer;
  Admission& admission;
  Allocators& allocators;
  ServiceAccountTokens* tokens;  // nullptr: none are made or taken
  Authenticator* authenticator;
  Logger log;
  std::chrono::seconds event_ttl{3600};  // Events are kept for so long after their last change
  ServiceClaims* claims = nullptr;       // nullptr: services are not guarded against other servers
};

// One request. Owned by the coroutine that serves it, which outlives the handlers that it calls.
struct Call {
  Core& core;
  net::Request request;
  net::Query query;
  RequestInfo info;
  User user;
  const ServedResource* resource = nullptr;
  const api::SubresourceDesc* subresource = nullptr;
  Accept accept;
  std::vector<std::string> warnings;     // texts of Warning headers
  std::vector<std::string> empty_lists;  // dotted paths of lists that the body has as []
  async::StopToken stop;
  AuditTrail* audit = nullptr;  // nullptr: nothing is written down

  api::ObjectKey key() const { return {info.namespace_, info.name}; }
  bool dry_run() const { return query.get("dryRun") == "All"; }
  // Who the change is recorded under: the query's fieldManager, or the agent's name up to the first
  // slash.
  std::string field_manager() const;
};

}  // namespace kpp::apiserver
