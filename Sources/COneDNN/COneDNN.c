#include "COneDNN.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#define VERSION3 (DNNL_VERSION_MAJOR >= 3)

// ---- version differences: memory descriptors -------------------------------------------------------------------

#if VERSION3
typedef dnnl_memory_desc_t owned_descriptor;
typedef const_dnnl_memory_desc_t descriptor_reference;
#define REFERENCE(layout) ((layout)->descriptor)
#else
typedef dnnl_memory_desc_t owned_descriptor;
typedef const dnnl_memory_desc_t *descriptor_reference;
#define REFERENCE(layout) (&(layout)->descriptor)
#endif

struct zoo_dnn_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

struct zoo_dnn_layout {
    owned_descriptor descriptor;
};

struct zoo_dnn_primitive {
    zoo_dnn_context *context;
    dnnl_primitive_desc_t descriptor;
    dnnl_primitive_t primitive;
    const char *implementation;
    int query[ZOO_DNN_OPERAND_COUNT];        // dnnl_query_t per operand, 0 if the operand is not used
    int query_index[ZOO_DNN_OPERAND_COUNT];  // its index argument
    int argument[ZOO_DNN_OPERAND_COUNT];     // DNNL_ARG_*
    int slot[ZOO_DNN_OPERAND_COUNT];         // place in arguments, or -1
    int argument_count;
    dnnl_exec_arg_t arguments[ZOO_DNN_OPERAND_COUNT];
};

void zoo_dnn_version(int *major, int *minor, int *patch) {
    const dnnl_version_t *version = dnnl_version();
    *major = version->major;
    *minor = version->minor;
    *patch = version->patch;
}

const char *zoo_dnn_instruction_set(void) {
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse4.1";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
#if VERSION3
    case dnnl_cpu_isa_avx512_core_fp16: return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx_fp16: return "avx512_core_amx_fp16";
#endif
    default: return "other";
    }
}

bool zoo_dnn_has_bf16(void) {
    // The values are sets of bits: a larger instruction set contains the bits of the smaller.
    const int needed = dnnl_cpu_isa_avx512_core_bf16;
    return ((int)dnnl_get_effective_cpu_isa() & needed) == needed;
}

const char *zoo_dnn_status_text(int status) {
    switch ((dnnl_status_t)status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "not implemented for these shapes on this processor";
    case dnnl_runtime_error: return "runtime error";
    default: return "unknown error";
    }
}

int zoo_dnn_context_create(zoo_dnn_context **result) {
    zoo_dnn_context *context = calloc(1, sizeof *context);
    if (!context) return dnnl_out_of_memory;
    dnnl_status_t status = dnnl_engine_create(&context->engine, dnnl_cpu, 0);
    if (status == dnnl_success) status = dnnl_stream_create(&context->stream, context->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        zoo_dnn_context_destroy(context);
        return status;
    }
    *result = context;
    return dnnl_success;
}

void zoo_dnn_context_destroy(zoo_dnn_context *context) {
    if (!context) return;
    if (context->stream) dnnl_stream_destroy(context->stream);
    if (context->engine) dnnl_engine_destroy(context->engine);
    free(context);
}

// ---- layouts ----------------------------------------------------------------------------------------------------

static dnnl_data_type_t data_type(zoo_dnn_type type) { return type == ZOO_DNN_BF16 ? dnnl_bf16 : dnnl_f32; }

int zoo_dnn_layout_create(
    zoo_dnn_layout **result, int rank, const int64_t *extents, const int64_t *strides, zoo_dnn_type type) {
    zoo_dnn_layout *layout = calloc(1, sizeof *layout);
    if (!layout) return dnnl_out_of_memory;
    dnnl_dims_t dims = {0}, steps = {0};
    for (int i = 0; i < rank; i++) {
        dims[i] = extents[i];
        if (strides) steps[i] = strides[i];
    }
#if VERSION3
    dnnl_status_t status =
        strides ? dnnl_memory_desc_create_with_strides(&layout->descriptor, rank, dims, data_type(type), steps)
                : dnnl_memory_desc_create_with_tag(
                      &layout->descriptor, rank, dims, data_type(type), dnnl_format_tag_any);
#else
    dnnl_status_t status =
        strides ? dnnl_memory_desc_init_by_strides(&layout->descriptor, rank, dims, data_type(type), steps)
                : dnnl_memory_desc_init_by_tag(&layout->descriptor, rank, dims, data_type(type), dnnl_format_tag_any);
#endif
    if (status != dnnl_success) {
        free(layout);
        return status;
    }
    *result = layout;
    return dnnl_success;
}

void zoo_dnn_layout_destroy(zoo_dnn_layout *layout) {
    if (!layout) return;
#if VERSION3
    dnnl_memory_desc_destroy(layout->descriptor);
#endif
    free(layout);
}

static zoo_dnn_layout *layout_copy(descriptor_reference descriptor) {
    zoo_dnn_layout *layout = calloc(1, sizeof *layout);
    if (!layout) return NULL;
#if VERSION3
    if (dnnl_memory_desc_clone(&layout->descriptor, descriptor) != dnnl_success) {
        free(layout);
        return NULL;
    }
#else
    layout->descriptor = *descriptor;
#endif
    return layout;
}

bool zoo_dnn_layout_equal(const zoo_dnn_layout *a, const zoo_dnn_layout *b) {
    return dnnl_memory_desc_equal(REFERENCE(a), REFERENCE(b)) != 0;
}

size_t zoo_dnn_layout_byte_count(const zoo_dnn_layout *layout) {
    return dnnl_memory_desc_get_size(REFERENCE(layout));
}

zoo_dnn_type zoo_dnn_layout_type(const zoo_dnn_layout *layout) {
#if VERSION3
    dnnl_data_type_t type = dnnl_f32;
    dnnl_memory_desc_query(layout->descriptor, dnnl_query_data_type, &type);
#else
    dnnl_data_type_t type = layout->descriptor.data_type;
#endif
    return type == dnnl_bf16 ? ZOO_DNN_BF16 : ZOO_DNN_F32;
}

// ---- primitives -------------------------------------------------------------------------------------------------

static void use(zoo_dnn_primitive *primitive, zoo_dnn_operand operand, int query, int index, int argument) {
    primitive->query[operand] = query;
    primitive->query_index[operand] = index;
    primitive->argument[operand] = argument;
}

// The forward pass that a backward pass hints at has one type for all its tensors, also where the backward pass reads one
// type and writes another. Makes a copy of `layout` with that type; the caller releases it.
static int retyped(owned_descriptor *result, const zoo_dnn_layout *layout, dnnl_data_type_t type) {
#if VERSION3
    int rank = 0, blocks = 0;
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    const dnnl_dims_t *dims = NULL, *strides = NULL;
    const_dnnl_memory_desc_t from = layout->descriptor;
    dnnl_status_t status = dnnl_memory_desc_query(from, dnnl_query_ndims_s32, &rank);
    if (status == dnnl_success) status = dnnl_memory_desc_query(from, dnnl_query_dims, &dims);
    if (status == dnnl_success) status = dnnl_memory_desc_query(from, dnnl_query_format_kind, &kind);
    if (status != dnnl_success) return status;
    if (kind == dnnl_format_kind_any) {
        return dnnl_memory_desc_create_with_tag(result, rank, *dims, type, dnnl_format_tag_any);
    }
    status = dnnl_memory_desc_query(from, dnnl_query_inner_nblks_s32, &blocks);
    if (status == dnnl_success) status = dnnl_memory_desc_query(from, dnnl_query_strides, &strides);
    if (status != dnnl_success) return status;
    // Strides alone do not describe a blocked layout.
    if (blocks != 0) return dnnl_unimplemented;
    return dnnl_memory_desc_create_with_strides(result, rank, *dims, type, *strides);
#else
    *result = layout->descriptor;
    result->data_type = type;
    return dnnl_success;
#endif
}

// The layouts of the forward pass: those given, or for a backward pass with bfloat16 in it, those in bfloat16.
typedef struct {
    owned_descriptor owned[3];
    int count;
    descriptor_reference source, weights, destination;
} forward_layouts;

static int forward_layouts_create(
    forward_layouts *result, zoo_dnn_pass pass, const zoo_dnn_layout *source, const zoo_dnn_layout *weights,
    const zoo_dnn_layout *destination) {
    memset(result, 0, sizeof *result);
    result->source = REFERENCE(source);
    result->weights = REFERENCE(weights);
    result->destination = REFERENCE(destination);
    const zoo_dnn_layout *all[3] = {source, weights, destination};
    bool mixed = false;
    for (int i = 0; i < 3; i++) mixed = mixed || zoo_dnn_layout_type(all[i]) == ZOO_DNN_BF16;
    if (pass == ZOO_DNN_FORWARD || !mixed) return dnnl_success;
    descriptor_reference references[3];
    for (int i = 0; i < 3; i++) {
        int status = retyped(&result->owned[i], all[i], dnnl_bf16);
        if (status != dnnl_success) return status;
        result->count++;
#if VERSION3
        references[i] = result->owned[i];
#else
        references[i] = &result->owned[i];
#endif
    }
    result->source = references[0];
    result->weights = references[1];
    result->destination = references[2];
    return dnnl_success;
}

static void forward_layouts_destroy(forward_layouts *layouts) {
#if VERSION3
    for (int i = 0; i < layouts->count; i++) dnnl_memory_desc_destroy(layouts->owned[i]);
#else
    (void)layouts;
#endif
}

// Which queries and arguments stand for which operand in each pass.
static void use_operands(zoo_dnn_primitive *primitive, zoo_dnn_pass pass, bool bias) {
    use(primitive, ZOO_DNN_SCRATCHPAD, dnnl_query_scratchpad_md, 0, DNNL_ARG_SCRATCHPAD);
    switch (pass) {
    case ZOO_DNN_FORWARD:
        use(primitive, ZOO_DNN_SOURCE, dnnl_query_src_md, 0, DNNL_ARG_SRC);
        use(primitive, ZOO_DNN_WEIGHTS, dnnl_query_weights_md, 0, DNNL_ARG_WEIGHTS);
        if (bias) use(primitive, ZOO_DNN_BIAS, dnnl_query_weights_md, 1, DNNL_ARG_BIAS);
        use(primitive, ZOO_DNN_DESTINATION, dnnl_query_dst_md, 0, DNNL_ARG_DST);
        break;
    case ZOO_DNN_BACKWARD_DATA:
        use(primitive, ZOO_DNN_SOURCE, dnnl_query_diff_src_md, 0, DNNL_ARG_DIFF_SRC);
        use(primitive, ZOO_DNN_WEIGHTS, dnnl_query_weights_md, 0, DNNL_ARG_WEIGHTS);
        use(primitive, ZOO_DNN_DESTINATION, dnnl_query_diff_dst_md, 0, DNNL_ARG_DIFF_DST);
        break;
    case ZOO_DNN_BACKWARD_WEIGHTS:
        use(primitive, ZOO_DNN_SOURCE, dnnl_query_src_md, 0, DNNL_ARG_SRC);
        use(primitive, ZOO_DNN_WEIGHTS, dnnl_query_diff_weights_md, 0, DNNL_ARG_DIFF_WEIGHTS);
        if (bias) use(primitive, ZOO_DNN_BIAS, dnnl_query_diff_weights_md, 1, DNNL_ARG_DIFF_BIAS);
        use(primitive, ZOO_DNN_DESTINATION, dnnl_query_diff_dst_md, 0, DNNL_ARG_DIFF_DST);
        break;
    }
}

static int attributes_create(dnnl_primitive_attr_t *result, bool relu) {
    dnnl_status_t status = dnnl_primitive_attr_create(result);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_attr_set_scratchpad_mode(*result, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && relu) {
        dnnl_post_ops_t operations;
        status = dnnl_post_ops_create(&operations);
        if (status == dnnl_success) {
#if VERSION3
            status = dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0, 0);
#else
            status = dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
#endif
            if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*result, operations);
            dnnl_post_ops_destroy(operations);
        }
    }
    if (status != dnnl_success) dnnl_primitive_attr_destroy(*result);
    return status;
}

// Takes ownership of `descriptor`.
static int primitive_create(
    zoo_dnn_primitive **result, zoo_dnn_context *context, dnnl_primitive_desc_t descriptor, zoo_dnn_primitive *primitive) {
    primitive->context = context;
    primitive->descriptor = descriptor;
    for (int i = 0; i < ZOO_DNN_OPERAND_COUNT; i++) primitive->slot[i] = -1;
    dnnl_status_t status = dnnl_primitive_create(&primitive->primitive, descriptor);
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &primitive->implementation);
    }
    if (status != dnnl_success) {
        zoo_dnn_primitive_destroy(primitive);
        return status;
    }
    *result = primitive;
    return dnnl_success;
}

// Ends the making of a primitive: takes ownership of both descriptors and the attributes. `forward` is the primitive
// descriptor itself in the forward pass and only a hint in the others.
static int finish(
    zoo_dnn_primitive **result, zoo_dnn_context *context, zoo_dnn_pass pass, bool bias, int status,
    dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t forward, dnnl_primitive_desc_t descriptor) {
    dnnl_primitive_attr_destroy(attributes);
    if (pass == ZOO_DNN_FORWARD) {
        descriptor = forward;
    } else if (forward) {
        dnnl_primitive_desc_destroy(forward);
    }
    zoo_dnn_primitive *primitive = status == dnnl_success ? calloc(1, sizeof *primitive) : NULL;
    if (!primitive) {
        if (descriptor) dnnl_primitive_desc_destroy(descriptor);
        return status == dnnl_success ? dnnl_out_of_memory : status;
    }
    use_operands(primitive, pass, bias && pass != ZOO_DNN_BACKWARD_DATA);
    return primitive_create(result, context, descriptor, primitive);
}

int zoo_dnn_convolution(
    zoo_dnn_primitive **result, zoo_dnn_context *context, zoo_dnn_pass pass, const zoo_dnn_layout *source,
    const zoo_dnn_layout *weights, const zoo_dnn_layout *bias, const zoo_dnn_layout *destination,
    const zoo_dnn_window *window, bool relu) {
    dnnl_dims_t stride = {window->stride[0], window->stride[1]};
    dnnl_dims_t padding = {window->padding[0], window->padding[1]};
    dnnl_primitive_attr_t attributes;
    int status = attributes_create(&attributes, relu && pass == ZOO_DNN_FORWARD);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t forward = NULL, descriptor = NULL;
    descriptor_reference biased = bias ? REFERENCE(bias) : NULL;
    forward_layouts layouts;
    status = forward_layouts_create(&layouts, pass, source, weights, destination);
    if (status != dnnl_success) {
        forward_layouts_destroy(&layouts);
        dnnl_primitive_attr_destroy(attributes);
        return status;
    }
    const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
#if VERSION3
    dnnl_dims_t dilation = {0, 0};
    status = dnnl_convolution_forward_primitive_desc_create(
        &forward, context->engine, dnnl_forward_training, algorithm, layouts.source, layouts.weights, biased,
        layouts.destination, stride, dilation, padding, padding, attributes);
    if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_DATA) {
        status = dnnl_convolution_backward_data_primitive_desc_create(
            &descriptor, context->engine, algorithm, REFERENCE(source), REFERENCE(weights), REFERENCE(destination), stride,
            dilation, padding, padding, forward, attributes);
    } else if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_primitive_desc_create(
            &descriptor, context->engine, algorithm, REFERENCE(source), REFERENCE(weights), biased, REFERENCE(destination),
            stride, dilation, padding, padding, forward, attributes);
    }
#else
    dnnl_convolution_desc_t operation;
    status = dnnl_convolution_forward_desc_init(
        &operation, dnnl_forward_training, algorithm, layouts.source, layouts.weights, biased, layouts.destination, stride,
        padding, padding);
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&forward, &operation, attributes, context->engine, NULL);
    }
    if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_DATA) {
        status = dnnl_convolution_backward_data_desc_init(
            &operation, algorithm, REFERENCE(source), REFERENCE(weights), REFERENCE(destination), stride, padding, padding);
    } else if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_desc_init(
            &operation, algorithm, REFERENCE(source), REFERENCE(weights), biased, REFERENCE(destination), stride, padding,
            padding);
    }
    if (status == dnnl_success && pass != ZOO_DNN_FORWARD) {
        status = dnnl_primitive_desc_create(&descriptor, &operation, attributes, context->engine, forward);
    }
#endif
    forward_layouts_destroy(&layouts);
    return finish(result, context, pass, bias != NULL, status, attributes, forward, descriptor);
}

int zoo_dnn_inner_product(
    zoo_dnn_primitive **result, zoo_dnn_context *context, zoo_dnn_pass pass, const zoo_dnn_layout *source,
    const zoo_dnn_layout *weights, const zoo_dnn_layout *bias, const zoo_dnn_layout *destination, bool relu) {
    dnnl_primitive_attr_t attributes;
    int status = attributes_create(&attributes, relu && pass == ZOO_DNN_FORWARD);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t forward = NULL, descriptor = NULL;
    descriptor_reference biased = bias ? REFERENCE(bias) : NULL;
    forward_layouts layouts;
    status = forward_layouts_create(&layouts, pass, source, weights, destination);
    if (status != dnnl_success) {
        forward_layouts_destroy(&layouts);
        dnnl_primitive_attr_destroy(attributes);
        return status;
    }
#if VERSION3
    status = dnnl_inner_product_forward_primitive_desc_create(
        &forward, context->engine, dnnl_forward_training, layouts.source, layouts.weights, biased, layouts.destination,
        attributes);
    if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_DATA) {
        status = dnnl_inner_product_backward_data_primitive_desc_create(
            &descriptor, context->engine, REFERENCE(source), REFERENCE(weights), REFERENCE(destination), forward,
            attributes);
    } else if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_WEIGHTS) {
        status = dnnl_inner_product_backward_weights_primitive_desc_create(
            &descriptor, context->engine, REFERENCE(source), REFERENCE(weights), biased, REFERENCE(destination), forward,
            attributes);
    }
#else
    dnnl_inner_product_desc_t operation;
    status = dnnl_inner_product_forward_desc_init(
        &operation, dnnl_forward_training, layouts.source, layouts.weights, biased, layouts.destination);
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&forward, &operation, attributes, context->engine, NULL);
    }
    if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_DATA) {
        status = dnnl_inner_product_backward_data_desc_init(
            &operation, REFERENCE(source), REFERENCE(weights), REFERENCE(destination));
    } else if (status == dnnl_success && pass == ZOO_DNN_BACKWARD_WEIGHTS) {
        status = dnnl_inner_product_backward_weights_desc_init(
            &operation, REFERENCE(source), REFERENCE(weights), biased, REFERENCE(destination));
    }
    if (status == dnnl_success && pass != ZOO_DNN_FORWARD) {
        status = dnnl_primitive_desc_create(&descriptor, &operation, attributes, context->engine, forward);
    }
#endif
    forward_layouts_destroy(&layouts);
    return finish(result, context, pass, bias != NULL, status, attributes, forward, descriptor);
}

int zoo_dnn_reorder(
    zoo_dnn_primitive **result, zoo_dnn_context *context, const zoo_dnn_layout *from, const zoo_dnn_layout *to) {
    dnnl_primitive_attr_t attributes;
    int status = attributes_create(&attributes, false);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t descriptor = NULL;
    status = dnnl_reorder_primitive_desc_create(
        &descriptor, REFERENCE(from), context->engine, REFERENCE(to), context->engine, attributes);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return status;
    zoo_dnn_primitive *primitive = calloc(1, sizeof *primitive);
    if (!primitive) {
        dnnl_primitive_desc_destroy(descriptor);
        return dnnl_out_of_memory;
    }
    use(primitive, ZOO_DNN_SOURCE, dnnl_query_src_md, 0, DNNL_ARG_FROM);
    use(primitive, ZOO_DNN_DESTINATION, dnnl_query_dst_md, 0, DNNL_ARG_TO);
    use(primitive, ZOO_DNN_SCRATCHPAD, dnnl_query_scratchpad_md, 0, DNNL_ARG_SCRATCHPAD);
    return primitive_create(result, context, descriptor, primitive);
}

void zoo_dnn_primitive_destroy(zoo_dnn_primitive *primitive) {
    if (!primitive) return;
    for (int i = 0; i < primitive->argument_count; i++) dnnl_memory_destroy(primitive->arguments[i].memory);
    if (primitive->primitive) dnnl_primitive_destroy(primitive->primitive);
    if (primitive->descriptor) dnnl_primitive_desc_destroy(primitive->descriptor);
    free(primitive);
}

static descriptor_reference operand_descriptor(const zoo_dnn_primitive *primitive, zoo_dnn_operand operand) {
    if (!primitive->argument[operand]) return NULL;
    return dnnl_primitive_desc_query_md(
        primitive->descriptor, (dnnl_query_t)primitive->query[operand], primitive->query_index[operand]);
}

zoo_dnn_layout *zoo_dnn_primitive_layout(const zoo_dnn_primitive *primitive, zoo_dnn_operand operand) {
    descriptor_reference descriptor = operand_descriptor(primitive, operand);
    if (!descriptor || dnnl_memory_desc_get_size(descriptor) == 0) return NULL;
    return layout_copy(descriptor);
}

const char *zoo_dnn_primitive_implementation(const zoo_dnn_primitive *primitive) { return primitive->implementation; }

int zoo_dnn_primitive_bind(zoo_dnn_primitive *primitive, zoo_dnn_operand operand, void *memory) {
    descriptor_reference descriptor = operand_descriptor(primitive, operand);
    if (!descriptor || dnnl_memory_desc_get_size(descriptor) == 0) return dnnl_success;
    if (primitive->slot[operand] >= 0) {
        return dnnl_memory_set_data_handle(primitive->arguments[primitive->slot[operand]].memory, memory);
    }
    dnnl_memory_t handle;
    dnnl_status_t status = dnnl_memory_create(&handle, descriptor, primitive->context->engine, memory);
    if (status != dnnl_success) return status;
    primitive->slot[operand] = primitive->argument_count;
    primitive->arguments[primitive->argument_count].arg = primitive->argument[operand];
    primitive->arguments[primitive->argument_count].memory = handle;
    primitive->argument_count++;
    return dnnl_success;
}

int zoo_dnn_primitive_run(const zoo_dnn_primitive *primitive) {
    dnnl_status_t status = dnnl_primitive_execute(
        primitive->primitive, primitive->context->stream, primitive->argument_count, primitive->arguments);
    return status == dnnl_success ? dnnl_stream_wait(primitive->context->stream) : status;
}
