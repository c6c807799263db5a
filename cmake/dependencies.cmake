# Every library we use, its minimum version, and the one module that includes its header.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(RDKAFKA    REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)        # common/kafka
pkg_check_modules(CURL       REQUIRED IMPORTED_TARGET libcurl>=7.88)         # common/http
pkg_check_modules(AVRO       REQUIRED IMPORTED_TARGET avro-c>=1.11)          # common/avro
pkg_check_modules(JANSSON    REQUIRED IMPORTED_TARGET jansson>=2.14)         # common/json
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75) # common/httpd
pkg_check_modules(YAML       REQUIRED IMPORTED_TARGET yaml-0.1>=0.2.5)       # common/config_yaml
pkg_check_modules(CRYPTO     REQUIRED IMPORTED_TARGET libcrypto>=3.0)        # common/hmac
pkg_check_modules(UUID       REQUIRED IMPORTED_TARGET uuid>=2.38)            # common/uuid
pkg_check_modules(UV         REQUIRED IMPORTED_TARGET libuv>=1.44)           # common/loop
pkg_check_modules(XXHASH     REQUIRED IMPORTED_TARGET libxxhash>=0.8)        # common/hash
pkg_check_modules(LMDB       REQUIRED IMPORTED_TARGET lmdb>=0.9.24)          # common/table
if(RC_TESTS)
  pkg_check_modules(CHECK    REQUIRED IMPORTED_TARGET check>=0.15)
endif()
