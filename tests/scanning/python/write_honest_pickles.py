"""Writes what numpy, scikit-learn, joblib and pandas really write, into the folder given: every file is honest. Prints how many there are."""
import collections
import datetime
import decimal
import fractions
import pathlib
import pickle
import sys
import uuid
import warnings

import joblib
import numpy as np
import pandas as pd
from scipy import sparse

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
count = 0


def place(name):
    global count
    count += 1
    return folder / name


def pickled(name, value):
    for protocol in range(6):
        with open(place(f"{name}.p{protocol}.pkl"), "wb") as file:
            pickle.dump(value, file, protocol=protocol)


def standard():
    pickled("plain", {"a": 1, "b": [1.5, None, True, "text\u00e9", b"bytes"], "c": (1, 2, 3, 4), "d": {1, 2}, "e": frozenset([3])})
    pickled("numbers", [2**70, -(2**200), 1e300, float("nan"), float("inf"), 1 + 2j, 10**3000])
    pickled("collections", [
        collections.OrderedDict(a=1), collections.Counter("abca"), collections.deque([1, 2], maxlen=3),
        collections.defaultdict(list, a=[1]), collections.defaultdict(int), collections.ChainMap({}),
    ])
    pickled("dates", [
        datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc), datetime.date.today(), datetime.time(1), datetime.timedelta(1),
        datetime.timezone(datetime.timedelta(hours=2)),
    ])
    pickled("values", [
        decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.uuid4(), pathlib.PurePosixPath("/a/b"), pathlib.Path("a"), slice(1, 2),
        range(3), bytearray(b"abc"), Ellipsis, NotImplemented, ValueError("wrong"),
    ])
    cycle = []
    cycle.append(cycle)
    pickled("cycle", cycle)
    pickled("large", [b"x" * 300_000, "y" * 70_000, list(range(5000))])
    with open(place("several.pkl"), "wb") as file:
        for index in range(5):
            pickle.dump({"part": index}, file)


def numpy_files():
    values = {
        "float": np.arange(1000.0), "fortran": np.asfortranarray(np.ones((30, 40))), "int": np.arange(10), "bool": np.zeros(3, bool),
        "half": np.ones(3, np.float16), "complex": np.ones(3, complex), "text": np.array(["ab", "c"]), "bytes": np.array([b"ab", b"c"]),
        "times": np.array(["2024-01-01", "NaT"], "datetime64[ns]"), "spans": np.array([1, 2], "timedelta64[s]"),
        "records": np.array([(1, 2.0, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
        "recarray": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "objects": np.array([{"a": 1}, None, "x"], object), "nothing": np.zeros((0, 3)), "single": np.array(3.5),
        "matrix": np.asmatrix(np.eye(2)), "masked": np.ma.masked_array([1, 2], mask=[True, False]), "big": np.zeros((300, 300)),
        "strings": np.array(["ab", "long" * 10], dtype=np.dtypes.StringDType()),
    }
    for name, value in values.items():
        pickled(f"numpy-{name}", value)
        if name not in ("masked", "strings"):
            np.save(place(f"numpy-{name}.npy"), value, allow_pickle=True)
        joblib.dump(value, place(f"numpy-{name}.joblib"))
    pickled("numpy-scalars", [np.float64(1), np.int32(2), np.bool_(True), np.str_("a"), np.datetime64("2024-01-01"), np.complex64(1), np.void(b"ab")])
    pickled("numpy-types", [np.float32, np.int64, np.dtype("f4"), np.ndarray, np.log1p, np.add, np.dtype([("a", "f4"), ("b", "O")])])
    pickled("numpy-random", [
        np.random.RandomState(1), np.random.default_rng(1), np.random.Generator(np.random.MT19937(2)), np.random.Generator(np.random.Philox(2)),
        np.random.Generator(np.random.SFC64(3)), np.random.SeedSequence(3), np.random.PCG64DXSM(1),
    ])
    pickled("numpy-poly", [np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2]), np.polynomial.Chebyshev([1.0])])
    arrays = {key: value for key, value in values.items() if key not in ("masked", "strings", "recarray", "matrix")}
    np.savez(place("numpy.npz"), **arrays)
    np.savez_compressed(place("numpy-compressed.npz"), **arrays)
    with open(place("protocol5-in-band.pkl"), "wb") as file:
        pickle.dump(np.arange(100_000), file, protocol=5)
    buffers = []
    with open(place("protocol5-out-of-band.pkl"), "wb") as file:
        file.write(pickle.dumps([np.arange(100_000), bytearray(5)], protocol=5, buffer_callback=buffers.append))


def pandas_files():
    frame = pd.DataFrame({
        "number": [1.0, 2.0, None], "whole": [1, 2, 3], "text": ["a", "b", None], "when": pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin"),
        "kind": pd.Categorical(["x", "y", "x"]), "flag": [True, False, True], "nullable": pd.array([1, None, 3], dtype="Int64"),
        "span": pd.to_timedelta([1, 2, 3], unit="h"), "naive": pd.date_range("2024-01-01", periods=3), "string": pd.array(["a", None, "c"], dtype="string"),
        "boolean": pd.array([True, None, False], dtype="boolean"), "float": pd.array([1.5, None, 2], dtype="Float64"),
        "objects": [{"a": 1}, [1], None], "period": pd.period_range("2024-01", periods=3, freq="M"),
        "interval": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]), "sparse": pd.arrays.SparseArray([0, 0, 1]),
    })
    values = {
        "frame": frame, "series": frame["number"], "categorical": frame["kind"], "zoned": frame["when"], "grouped": frame.groupby("kind", observed=True)["number"].mean(),
        "multi": frame.set_index(["text", "whole"])[["number"]], "period": frame["period"], "range": pd.Series(range(10)), "string-index": frame.set_index("string"),
        "time-index": frame.set_index("naive")[["number"]], "delta": pd.Series(pd.to_timedelta(["1D"])), "offset-index": pd.Series([1, 2], index=pd.date_range("2024", periods=2, freq="MS")),
        "interval-index": pd.Series([1], index=pd.IntervalIndex.from_breaks([0, 1])), "empty": pd.DataFrame(), "utc": pd.Series(pd.date_range("2024", periods=2, tz="UTC")),
        "ordered": pd.Series(pd.Categorical(["a"], ordered=True)), "business": pd.Series([1, 2], index=pd.bdate_range("2024-01-01", periods=2)),
    }
    for name, value in values.items():
        pickled(f"pandas-{name}", value)
        joblib.dump(value, place(f"pandas-{name}.joblib"))
    pickled("pandas-scalars", [pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp(2024, 1, 1), pd.Timedelta("1D"), pd.Period("2024-01"), pd.NaT, pd.NA, pd.Interval(0, 1)])
    for ending in ("pkl", "pkl.gz", "pkl.zip", "pkl.tar"):
        frame.to_pickle(place(f"pandas-frame.{ending}"))


def sklearn_files():
    from sklearn import (cluster, compose, covariance, decomposition, discriminant_analysis, ensemble, feature_extraction, feature_selection,
                         gaussian_process, impute, isotonic, kernel_approximation, kernel_ridge, linear_model, manifold, mixture, model_selection,
                         multiclass, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree)
    x, y = np.random.RandomState(0).rand(60, 4), np.arange(60) % 3
    texts = ["one two", "two three", "three four", "one four"] * 15
    models = [
        linear_model.LinearRegression(), linear_model.LogisticRegression(), linear_model.Ridge(), linear_model.Lasso(), linear_model.ElasticNet(),
        linear_model.SGDClassifier(), linear_model.Perceptron(), linear_model.BayesianRidge(), linear_model.HuberRegressor(), linear_model.PoissonRegressor(),
        tree.DecisionTreeClassifier(), tree.DecisionTreeRegressor(), ensemble.RandomForestClassifier(5), ensemble.RandomForestRegressor(5),
        ensemble.GradientBoostingClassifier(n_estimators=5), ensemble.HistGradientBoostingClassifier(max_iter=3), ensemble.HistGradientBoostingRegressor(max_iter=3),
        ensemble.AdaBoostClassifier(n_estimators=3), ensemble.BaggingClassifier(n_estimators=3), ensemble.ExtraTreesClassifier(5), ensemble.IsolationForest(n_estimators=5),
        ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", naive_bayes.GaussianNB())]),
        ensemble.StackingClassifier([("a", linear_model.LogisticRegression())]),
        svm.SVC(probability=True), svm.LinearSVC(), svm.SVR(), svm.OneClassSVM(), neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        neighbors.KNeighborsClassifier(algorithm="ball_tree"), neighbors.KNeighborsRegressor(), neighbors.NearestNeighbors(), neighbors.KernelDensity(),
        neighbors.LocalOutlierFactor(novelty=True), neighbors.NearestCentroid(), naive_bayes.GaussianNB(), naive_bayes.MultinomialNB(), cluster.KMeans(3, n_init=1),
        cluster.DBSCAN(), cluster.MiniBatchKMeans(3, n_init=1), cluster.AgglomerativeClustering(3), cluster.Birch(), decomposition.PCA(2), decomposition.TruncatedSVD(2),
        decomposition.NMF(2), decomposition.FastICA(2), decomposition.LatentDirichletAllocation(2), mixture.GaussianMixture(2), mixture.BayesianGaussianMixture(n_components=2),
        preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.RobustScaler(), preprocessing.PolynomialFeatures(), preprocessing.KBinsDiscretizer(3),
        preprocessing.QuantileTransformer(n_quantiles=10), preprocessing.PowerTransformer(), preprocessing.OneHotEncoder(), preprocessing.OrdinalEncoder(),
        preprocessing.Normalizer(), preprocessing.FunctionTransformer(np.log1p), preprocessing.FunctionTransformer(), preprocessing.SplineTransformer(),
        impute.SimpleImputer(), impute.KNNImputer(), feature_selection.SelectKBest(k=2), feature_selection.VarianceThreshold(),
        feature_selection.RFE(linear_model.LogisticRegression()), feature_selection.SelectKBest(feature_selection.chi2, k=2),
        gaussian_process.GaussianProcessClassifier(), gaussian_process.GaussianProcessRegressor(), kernel_ridge.KernelRidge(), kernel_approximation.RBFSampler(),
        kernel_approximation.Nystroem(n_components=5), neural_network.MLPClassifier((5,), max_iter=3), neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3), manifold.Isomap(n_neighbors=30),
        discriminant_analysis.LinearDiscriminantAnalysis(), discriminant_analysis.QuadraticDiscriminantAnalysis(), covariance.EllipticEnvelope(),
        multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [1, 2]}, cv=2),
        model_selection.RandomizedSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, n_iter=1, cv=2),
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), pipeline.make_union(decomposition.PCA(1), preprocessing.StandardScaler()),
        compose.ColumnTransformer([("a", preprocessing.StandardScaler(), [0]), ("b", "passthrough", [1])]),
        compose.TransformedTargetRegressor(linear_model.LinearRegression(), func=np.log1p, inverse_func=np.expm1),
    ]
    names = collections.Counter()
    for model in models:
        name = type(model).__name__
        names[name] += 1
        model.fit(np.abs(x), y)
        with open(place(f"sklearn-{name}-{names[name]}.pkl"), "wb") as file:
            pickle.dump(model, file)
        joblib.dump(model, place(f"sklearn-{name}-{names[name]}.joblib"))
    for model in [feature_extraction.text.TfidfVectorizer(), feature_extraction.text.CountVectorizer(), feature_extraction.text.HashingVectorizer(),
                  pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), linear_model.LogisticRegression())]:
        model.fit(texts, y)
        joblib.dump(model, place(f"sklearn-text-{type(model).__name__}.joblib"))
        pickled(f"sklearn-text-{type(model).__name__}", model)
    iso = isotonic.IsotonicRegression().fit(x[:, 0], y)
    joblib.dump(iso, place("sklearn-isotonic.joblib"))
    for encoder in (preprocessing.LabelEncoder(), preprocessing.LabelBinarizer()):
        pickled(f"sklearn-{type(encoder).__name__}", encoder.fit(["a", "b"]))
    forest = ensemble.RandomForestClassifier(3).fit(x, y)
    for name, how in {"zlib": ("zlib", 3), "gzip": ("gzip", 3)}.items():
        joblib.dump(forest, place(f"forest.{name}.joblib"), compress=how)
    for kind in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.lil_matrix, sparse.dok_matrix, sparse.bsr_matrix, sparse.dia_matrix, sparse.csr_array):
        pickled(f"scipy-{kind.__name__}", kind(np.eye(4)))
    sparse.save_npz(place("scipy-sparse.npz"), sparse.csr_matrix(np.eye(4)))


standard()
numpy_files()
pandas_files()
sklearn_files()
print(count)
