/**
 * What frameworks really write, by framework: each name was found in pickles that the framework wrote, and its code was read for what a call with
 * arbitrary arguments can do. No entry may run, import, load or fetch anything, return a module, class or function, or hand back its argument.
 */
/** Names that are innocuous however they are used. */
interface NameList {
  readonly framework: string
  /** Why calling them is harmless. */
  readonly reason: string
  readonly names: Readonly<Record<string, string>>
}

const nameLists: readonly NameList[] = [
  {
    framework: 'python',
    reason: 'Types of data; making one runs nothing but the iteration of what it is given.',
    names: {
      builtins: `object bool int float complex str bytes bytearray list tuple dict set frozenset range slice Ellipsis NotImplemented
        Exception ValueError TypeError KeyError IndexError AttributeError RuntimeError ArithmeticError AssertionError LookupError
        NotImplementedError OverflowError StopIteration ZeroDivisionError FloatingPointError UserWarning Warning DeprecationWarning
        FutureWarning RuntimeWarning OSError`,
      collections: 'OrderedDict Counter deque defaultdict ChainMap UserDict UserList UserString',
      datetime: 'date datetime time timedelta timezone',
      decimal: 'Decimal',
      fractions: 'Fraction',
      uuid: 'UUID',
      pathlib: 'PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath',
      'pathlib._local': 'PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath',
      zoneinfo: 'ZoneInfo ZoneInfo._unpickle',
      array: 'array _array_reconstructor',
    },
  },
  {
    framework: 'python',
    reason:
      'How pickle itself makes instances: of a class that is an import of the file too, and judged as such. encode() knows codecs only.',
    names: { copyreg: '_reconstructor __newobj__ __newobj_ex__', _codecs: 'encode' },
  },
  {
    framework: 'numpy',
    reason: 'Types of elements and arrays; making one allocates memory.',
    names: {
      numpy: `dtype ndarray matrix recarray record void poly1d bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 intc longlong
        ulonglong float16 float32 float64 longdouble complex64 complex128 clongdouble object_ str_ bytes_ datetime64 timedelta64 generic
        number integer floating inexact signedinteger unsignedinteger character flexible complexfloating`,
      'numpy.rec': 'recarray record',
      'numpy.ma': 'MaskedArray',
      'numpy.ma.core': 'MaskedArray',
      'numpy.dtypes': `StringDType BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType
        Float16DType Float32DType Float64DType Complex64DType Complex128DType ObjectDType StrDType BytesDType VoidDType DateTime64DType
        TimeDelta64DType`,
      'numpy.polynomial.polynomial': 'Polynomial',
      'numpy.polynomial.chebyshev': 'Chebyshev',
      'numpy.polynomial.legendre': 'Legendre',
      'numpy.polynomial.hermite': 'Hermite',
      'numpy.polynomial.laguerre': 'Laguerre',
    },
  },
  {
    framework: 'numpy',
    reason: 'Make arrays and scalars of bytes or of an array type.',
    names: {
      'numpy.core.multiarray': '_reconstruct scalar',
      'numpy._core.multiarray': '_reconstruct scalar',
      'numpy.core.numeric': '_frombuffer',
      'numpy._core.numeric': '_frombuffer',
      'numpy._core._internal': '_convert_to_stringdtype_kwargs',
      'numpy.ma.core': '_mareconstruct MaskedArray',
    },
  },
  {
    framework: 'numpy',
    reason:
      'Generators of random numbers; the constructors make one of numpy’s own generators, or of a class that is an import too.',
    names: {
      'numpy.random._pickle': '__bit_generator_ctor __generator_ctor __randomstate_ctor',
      'numpy.random.mtrand': 'RandomState',
      'numpy.random._generator': 'Generator',
      'numpy.random._mt19937': 'MT19937',
      'numpy.random._pcg64': 'PCG64 PCG64DXSM',
      'numpy.random._philox': 'Philox',
      'numpy.random._sfc64': 'SFC64',
      'numpy.random.bit_generator': 'SeedSequence __pyx_unpickle_SeedSequence',
    },
  },
  {
    framework: 'numpy',
    reason: 'Functions of numbers, element by element: they call nothing that they are given.',
    names: {
      numpy: `add subtract multiply divide true_divide power sqrt square exp exp2 expm1 log log2 log10 log1p abs absolute negative sign
        sin cos tan arcsin arccos arctan sinh cosh tanh maximum minimum floor ceil rint isnan isfinite isinf cbrt reciprocal`,
    },
  },
  {
    framework: 'scipy',
    reason: 'Matrices and curves made of arrays; asarray() makes an array.',
    names: {
      'scipy.interpolate._bsplines': 'BSpline',
      'scipy.sparse._csr': 'csr_matrix csr_array',
      'scipy.sparse._csc': 'csc_matrix csc_array',
      'scipy.sparse._coo': 'coo_matrix coo_array',
      'scipy.sparse._bsr': 'bsr_matrix bsr_array',
      'scipy.sparse._dia': 'dia_matrix dia_array',
      'scipy.sparse._dok': 'dok_matrix dok_array',
      'scipy.sparse._lil': 'lil_matrix lil_array',
      'scipy.sparse.csr': 'csr_matrix',
      'scipy.sparse.csc': 'csc_matrix',
      'scipy.sparse.coo': 'coo_matrix',
      'scipy.sparse.bsr': 'bsr_matrix',
      'scipy.sparse.dia': 'dia_matrix',
      'scipy.sparse.dok': 'dok_matrix',
      'scipy.sparse.lil': 'lil_matrix',
      'scipy.interpolate._interpolate': 'interp1d PPoly BPoly',
      'scipy._lib.array_api_compat.numpy._aliases': 'asarray',
    },
  },
  {
    framework: 'scikit-learn',
    reason: 'Compiled classes and what makes them: arrays and numbers in, an object without callbacks out.',
    names: {
      'sklearn.tree._tree': 'Tree',
      'sklearn.utils._bunch': 'Bunch',
      'sklearn.neighbors._kd_tree': 'newObj KDTree KDTree64 KDTree32',
      'sklearn.neighbors._ball_tree': 'newObj BallTree BallTree64 BallTree32',
      'sklearn.metrics._dist_metrics': `newObj DistanceMetric DistanceMetric64 DistanceMetric32 EuclideanDistance EuclideanDistance64
        EuclideanDistance32 ManhattanDistance64 ManhattanDistance MinkowskiDistance64 MinkowskiDistance ChebyshevDistance64 HaversineDistance64`,
      'sklearn.linear_model._sgd_fast': `Hinge SquaredHinge Log ModifiedHuber SquaredLoss Huber EpsilonInsensitive
        SquaredEpsilonInsensitive CyHalfBinomialLoss`,
      'sklearn._loss._loss': `CyHalfMultinomialLoss CyHalfSquaredError CyHalfPoissonLoss CyHalfGammaLoss CyHalfTweedieLoss
        CyHalfTweedieLossIdentity CyHalfBinomialLoss CyAbsoluteError CyPinballLoss CyHuberLoss CyExponentialLoss
        __pyx_unpickle_CyHalfMultinomialLoss __pyx_unpickle_CyHalfSquaredError __pyx_unpickle_CyHalfPoissonLoss
        __pyx_unpickle_CyHalfBinomialLoss __pyx_unpickle_CyAbsoluteError __pyx_unpickle_CyExponentialLoss`,
      'sklearn.feature_selection._univariate_selection': 'f_classif f_regression chi2',
      'sklearn.feature_selection._mutual_info': 'mutual_info_classif mutual_info_regression',
      'sklearn.preprocessing._function_transformer': '_identity',
    },
  },
  {
    framework: 'joblib',
    reason: 'Says where the bytes of an array lie in the same file; this reader reads it as joblib does.',
    names: { 'joblib.numpy_pickle': 'NumpyArrayWrapper', 'sklearn.externals.joblib.numpy_pickle': 'NumpyArrayWrapper' },
  },
  {
    framework: 'pandas',
    reason:
      'Tables, columns, indexes and scalars made of arrays; the functions make one of those, of a class that is an import too.',
    names: {
      pandas: `DataFrame Series Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex IntervalIndex CategoricalIndex
        Categorical CategoricalDtype DatetimeTZDtype PeriodDtype IntervalDtype SparseDtype StringDtype BooleanDtype Int8Dtype Int16Dtype
        Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype UInt32Dtype UInt64Dtype Float32Dtype Float64Dtype Interval Period Timestamp Timedelta
        NA NaT`,
      'pandas.arrays': `BooleanArray DatetimeArray FloatingArray IntegerArray IntervalArray PeriodArray SparseArray StringArray
        TimedeltaArray ArrowStringArray NumpyExtensionArray`,
      'pandas.core.frame': 'DataFrame',
      'pandas.core.series': 'Series',
      'pandas.core.indexes.base': 'Index _new_Index',
      'pandas.core.indexes.range': 'RangeIndex',
      'pandas.core.indexes.multi': 'MultiIndex',
      'pandas.core.indexes.category': 'CategoricalIndex',
      'pandas.core.indexes.numeric': 'Int64Index Float64Index UInt64Index',
      'pandas.core.indexes.datetimes': 'DatetimeIndex _new_DatetimeIndex',
      'pandas.core.indexes.timedeltas': 'TimedeltaIndex',
      'pandas.core.indexes.period': 'PeriodIndex _new_PeriodIndex',
      'pandas.core.indexes.interval': 'IntervalIndex _new_IntervalIndex',
      'pandas.core.indexes.frozen': 'FrozenList',
      'pandas.core.internals.managers': 'BlockManager SingleBlockManager',
      'pandas.core.internals.blocks': 'new_block',
      'pandas.core.arrays.categorical': 'Categorical',
      'pandas.core.arrays.datetimes': 'DatetimeArray',
      'pandas.core.arrays.timedeltas': 'TimedeltaArray',
      'pandas.core.arrays.period': 'PeriodArray',
      'pandas.core.arrays.interval': 'IntervalArray',
      'pandas.core.arrays.integer':
        'IntegerArray Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype UInt32Dtype UInt64Dtype',
      'pandas.core.arrays.floating': 'FloatingArray Float32Dtype Float64Dtype',
      'pandas.core.arrays.boolean': 'BooleanArray BooleanDtype',
      'pandas.core.arrays.string_': 'StringArray StringDtype',
      'pandas.core.arrays.string_arrow': 'ArrowStringArray',
      'pandas.core.arrays.numpy_': 'PandasArray NumpyExtensionArray',
      'pandas.core.arrays.sparse.array': 'SparseArray',
      'pandas.core.dtypes.dtypes': 'CategoricalDtype DatetimeTZDtype PeriodDtype IntervalDtype SparseDtype',
      'pandas._libs.arrays': '__pyx_unpickle_NDArrayBacked',
      'pandas._libs.internals': '_unpickle_block',
      'pandas._libs.interval': '__pyx_unpickle_IntervalMixin Interval',
      'pandas._libs.sparse': 'IntIndex BlockIndex',
      'pandas._libs.missing': 'NAType NA',
      'pandas._libs.tslibs.nattype': '_nat_unpickle',
      'pandas._libs.tslibs.period': 'Period',
      'pandas._libs.tslibs.timedeltas': '_timedelta_unpickle',
      'pandas._libs.tslibs.timestamps': '_unpickle_timestamp',
      'pandas._libs.tslibs.offsets': `BusinessDay Day Hour Minute Second Milli Micro Nano MonthBegin MonthEnd BusinessMonthBegin
        BusinessMonthEnd QuarterBegin QuarterEnd YearBegin YearEnd Week DateOffset BusinessHour SemiMonthEnd SemiMonthBegin`,
    },
  },
  {
    framework: 'torch',
    reason: 'Types, sizes and storages: data, or places for it.',
    names: {
      torch: `Tensor Size device dtype FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage
        ByteStorage BoolStorage ComplexFloatStorage ComplexDoubleStorage QUInt8Storage QInt8Storage QInt32Storage QUInt4x2Storage
        QUInt2x4Storage float float16 float32 float64 double half bfloat16 int int8 int16 int32 int64 long short uint8 uint16 uint32 uint64
        bool complex32 complex64 complex128 qint8 quint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz
        float8_e8m0fnu float4_e2m1fn_x2 per_tensor_affine per_channel_affine per_channel_affine_float_qparams per_tensor_symmetric
        per_channel_symmetric strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc contiguous_format channels_last preserve_format`,
      'torch.storage': 'UntypedStorage TypedStorage _TypedStorage',
      'torch.nn.parameter': 'Parameter Buffer UninitializedParameter UninitializedBuffer',
      'torch.serialization': '_get_layout',
      'torch.utils.data.dataset': 'TensorDataset',
    },
  },
  {
    framework: 'torch',
    reason:
      'Make tensors of storages that lie in the same file. What they are given to call is an import of the file too, and judged as such.',
    names: {
      'torch._utils': `_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor
        _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_meta_tensor_no_storage
        _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor _rebuild_wrapper_subclass`,
      'torch._tensor': '_rebuild_from_type_v2',
    },
  },
  {
    framework: 'torch',
    reason: 'Activations, as layers keep them: functions of tensors that call nothing that they are given.',
    names: {
      'torch.nn.functional': `relu relu6 elu selu celu gelu leaky_relu silu mish hardswish hardtanh hardsigmoid softplus softsign softmax
        log_softmax tanh sigmoid logsigmoid`,
      'torch._C._nn': 'gelu',
    },
  },
  {
    framework: 'transformers',
    reason:
      'Choices with names (enumerations), and the settings of a training run: dataclasses and state that are only data until used.',
    names: {
      'transformers.trainer_utils':
        'IntervalStrategy SaveStrategy EvaluationStrategy HubStrategy SchedulerType FSDPOption',
      'transformers.training_args': 'OptimizerNames ParallelMode',
      'transformers.trainer_pt_utils': 'AcceleratorConfig',
      'accelerate.utils.dataclasses': 'DistributedType DynamoBackend',
      'transformers.debug_utils': 'DebugOption',
    },
  },
]

/** Classes that may be made without being called (NEWOBJ) and may have their state set (BUILD), and are not innocuous when called. */
interface ClassRule {
  readonly framework: string
  readonly modules: RegExp
  readonly not?: RegExp
  /** Why neither making nor setting the state of any class there runs what the file says. */
  readonly reason: string
}

export const classRules: readonly ClassRule[] = [
  {
    framework: 'scikit-learn',
    modules:
      /^sklearn\.(_loss|calibration|cluster|compose|covariance|cross_decomposition|decomposition|discriminant_analysis|dummy|ensemble|feature_extraction|feature_selection|gaussian_process|impute|isotonic|kernel_approximation|kernel_ridge|linear_model|manifold|mixture|model_selection|multiclass|multioutput|naive_bayes|neighbors|neural_network|pipeline|preprocessing|random_projection|semi_supervised|svm|tree|utils\.(_encode|_set_output|_bunch|deprecation|_metadata_requests|metadata_routing)|metrics\._scorer)(\.\w+)*$/,
    not: /(^|\.)tests?(\.|$)|_testing/,
    reason:
      'Estimators keep what they were given in attributes; BaseEstimator.__setstate__ compares a version and updates the attributes, and the compiled classes copy arrays.',
  },
  {
    framework: 'torch',
    modules: /^torch\.nn\.modules\.\w+$/,
    reason:
      'Module.__setstate__ updates the attributes and adds empty tables of hooks; the recurrent ones gather their weights. What stands in a table is an import too.',
  },
  {
    framework: 'torch',
    modules: /^torch\.optim\.(\w+|lr_scheduler)$/,
    reason:
      'Optimizer.__setstate__ updates the attributes and fills in defaults; schedulers keep theirs in attributes.',
  },
  {
    framework: 'transformers',
    modules: /^transformers\.(training_args|training_args_seq2seq|trainer_pt_utils|trainer_utils|trainer_callback)$/,
    reason:
      'Dataclasses without a __setstate__ of their own: their attributes are updated, and __post_init__ does not run.',
  },
  {
    framework: 'accelerate',
    modules: /^accelerate\.(state|utils\.dataclasses)$/,
    reason: 'Records of the state of a process: their attributes are updated.',
  },
]

/** By module and name: the framework whose list has it. */
export const innocuousNames: ReadonlyMap<string, ReadonlyMap<string, string>> = gather()

function gather(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const byModule = new Map<string, Map<string, string>>()
  for (const { framework, names } of nameLists) {
    for (const [module, list] of Object.entries(names)) {
      const known = byModule.get(module) ?? new Map<string, string>()
      for (const name of list.trim().split(/\s+/)) known.set(name, framework)
      byModule.set(module, known)
    }
  }
  return byModule
}
