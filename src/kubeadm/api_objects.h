// Objects of the API as JSON documents, made or brought up to date.
#pragma once

#include <string>
#include <vector>

#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "codec/json.h"

namespace kpp::kubeadm {

// The path of the collection that an object of this kind lives in; empty for a kind that kubeadm
// does not make.
std::string collection_path(const json::Object& document);

// Creates the object, or merges the document over the one that is there. Kinds are those of
// collection_path().
async::Task<Status> ensure_object(client::Client& api, json::Object document,
                                  async::StopToken stop);
async::Task<Status> ensure_objects(client::Client& api, std::vector<json::Object> documents,
                                   async::StopToken stop);

async::Task<Result<json::Value>> get_path(client::Client& api, std::string path, std::string query,
                                          async::StopToken stop);
async::Task<Status> delete_path(client::Client& api, std::string path, async::StopToken stop);
// `content_type` is that of the patch.
async::Task<Status> patch_path(client::Client& api, std::string path, std::string content_type,
                               std::string body, async::StopToken stop);

}  // namespace kpp::kubeadm
