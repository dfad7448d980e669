// The large headers that most files of this module need, parsed once a build.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "api/corev1.h"
#include "api/cri.h"  // before anything that may define the names of signals
#include "api/json_codec.h"
#include "async/scope.h"
#include "async/wait.h"
#include "client/client.h"
#include "client/informer.h"
