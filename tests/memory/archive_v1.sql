-- An archive of schema version 1, as evonas 0.1.0 (f8765e2) left it, as SQL text. Made in an empty folder by:
--   evonas search --data digits --train-size 100 --epochs 1 --trials 3 --name first --out first --archive v1.db --surrogate none --encoding 'cell(width=4)'
--   evonas search --data digits --train-size 120 --epochs 1 --trials 4 --name second --out second --archive v1.db --surrogate boosting --method aging --encoding macro
-- then: sqlite3 v1.db .dump
BEGIN TRANSACTION;
CREATE TABLE evaluations (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	"after" INTEGER NOT NULL, 
	genome JSON NOT NULL, 
	fidelity FLOAT NOT NULL, 
	parents JSON NOT NULL, 
	metrics JSON NOT NULL, 
	seconds FLOAT NOT NULL, 
	elapsed FLOAT NOT NULL, 
	status TEXT NOT NULL, 
	error TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (run_id, number), 
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "evaluations" VALUES(1,1,0,0,'"|skip_connect~0|+|none~0|none~1|+|skip_connect~0|avg_pool_3x3~1|none~2|"',1.0,'[]','{"val_accuracy": 0.04, "val_loss": 2.3123313903808596, "train_accuracy": 0.13, "peak_memory_mb": 796.58203125, "params": 4822, "flops": 62272, "seconds": 0.27407578800011834}',2.7407578800011833664e-01,0.279297379999889,'ok',NULL);
INSERT INTO "evaluations" VALUES(2,1,1,1,'"|nor_conv_1x1~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2|"',1.0,'[]','{"val_accuracy": 0.12, "val_loss": 2.3006076049804687, "train_accuracy": 0.08, "peak_memory_mb": 798.83203125, "params": 5606, "flops": 74560, "seconds": 0.2857103349999761}',2.85710334999976112158e-01,5.79573265999897557776e-01,'ok',NULL);
INSERT INTO "evaluations" VALUES(3,1,2,2,'"|skip_connect~0|+|none~0|avg_pool_3x3~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"',1.0,'[]','{"val_accuracy": 0.08, "val_loss": 2.3352737426757812, "train_accuracy": 0.06, "peak_memory_mb": 799.20703125, "params": 8294, "flops": 123712, "seconds": 0.2096850570001152}',2.09685057000115193659e-01,7.9207236100000955048e-01,'ok',NULL);
INSERT INTO "evaluations" VALUES(4,2,0,0,'[3, 24, 5, 1, 0, 1, 1, 8, 3, 4, 1, 2, 2, 24, 5, 4, 1, 2]',1.0,'[]','{"val_accuracy": 0.1, "val_loss": 2.308264668782552, "train_accuracy": 0.075, "peak_memory_mb": 823.34765625, "params": 27618, "flops": 863712, "seconds": 0.6720504329998676}',6.72050432999867553007e-01,6.81818679999878440867e-01,'ok',NULL);
INSERT INTO "evaluations" VALUES(5,2,1,1,'[2, 32, 5, 2, 0, 2, 1, 32, 5, 1, 0, 1, 1, 24, 3, 1, 0, 2]',1.0,'[]','{"val_accuracy": 0.1, "val_loss": 2.3071505228678384, "train_accuracy": 0.1, "peak_memory_mb": 823.34765625, "params": 12090, "flops": 391904, "seconds": 0.14659802000005584}',1.46598020000055839773e-01,8.36298178999868468963e-01,'ok',NULL);
INSERT INTO "evaluations" VALUES(6,2,2,2,'[3, 8, 3, 2, 0, 2, 3, 8, 3, 1, 0, 1, 3, 8, 5, 2, 0, 1]',1.0,'[]','{"val_accuracy": 0.1, "val_loss": 2.3152259826660155, "train_accuracy": 0.13333333333333333, "peak_memory_mb": 823.34765625, "params": 5138, "flops": 203168, "seconds": 0.2716633439999896}',2.71663343999989592703e-01,1.11762403300008372752e+00,'ok',NULL);
INSERT INTO "evaluations" VALUES(7,2,3,3,'[2, 32, 5, 4, 1, 1, 2, 12, 5, 1, 1, 2, 1, 12, 3, 4, 0, 1]',1.0,'[]','{"val_accuracy": 0.1, "val_loss": 2.308918762207031, "train_accuracy": 0.09166666666666666, "peak_memory_mb": 846.19921875, "params": 31974, "flops": 2199344, "seconds": 0.5618547519998174}',5.61854751999817381147e-01,1.69931570199992165726e+00,'ok',NULL);
CREATE TABLE evonas (
	schema_version INTEGER NOT NULL
);
INSERT INTO "evonas" VALUES(1);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	task_id INTEGER NOT NULL, 
	encoding TEXT NOT NULL, 
	method TEXT NOT NULL, 
	surrogate TEXT NOT NULL, 
	seed INTEGER NOT NULL, 
	config JSON NOT NULL, 
	versions JSON NOT NULL, 
	device TEXT NOT NULL, 
	command TEXT NOT NULL, 
	status TEXT NOT NULL, 
	created TEXT NOT NULL, 
	mark INTEGER NOT NULL, 
	result JSON, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	FOREIGN KEY(task_id) REFERENCES tasks (id)
);
INSERT INTO "runs" VALUES(1,'first',1,'cell(width=4)','evolution','none',0,'{"data": "digits", "encoding": "cell(width=4)", "method": "evolution", "surrogate": "none", "objectives": "val_accuracy", "trials": 3, "seconds": null, "epochs": 1, "train_size": 100, "workers": 1, "per_device": null, "executor": "processes", "device": "auto", "timeout": null, "inherit": false, "stop_early": null, "seed": 0, "name": "first", "out": "first", "archive": "v1.db", "root": null}','{"python": "3.11.7", "evonas": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6", "deap": "1.4.4", "scikit-learn": "1.9.1"}','AMD EPYC, 2 cores','evonas search --data digits --train-size 100 --epochs 1 --trials 3 --name first --out first --archive v1.db --surrogate none --encoding ''cell(width=4)''','done','2026-11-27T01:14:19+00:00',0,'{"run": "first", "task": "digits", "encoding": "cell(width=4)", "method": "evolution", "surrogate": "none", "seed": 0, "trials": 3, "failed": 0, "seconds": 1.1330951639999967, "val_accuracy": 0.12, "test_accuracy": 0.11420612813370473, "params": 5606, "flops": 74560, "genome": "|nor_conv_1x1~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2|", "best_trial": 1, "reason": "the budget is spent", "device": "AMD EPYC, 2 cores", "evonas": "0.1.0", "memory": [], "notes": []}');
INSERT INTO "runs" VALUES(2,'second',1,'macro','aging','boosting',0,'{"data": "digits", "encoding": "macro", "method": "aging", "surrogate": "boosting", "objectives": "val_accuracy", "trials": 4, "seconds": null, "epochs": 1, "train_size": 120, "workers": 1, "per_device": null, "executor": "processes", "device": "auto", "timeout": null, "inherit": false, "stop_early": null, "seed": 0, "name": "second", "out": "second", "archive": "v1.db", "root": null}','{"python": "3.11.7", "evonas": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6", "deap": "1.4.4", "scikit-learn": "1.9.1"}','AMD EPYC, 2 cores','evonas search --data digits --train-size 120 --epochs 1 --trials 4 --name second --out second --archive v1.db --surrogate boosting --method aging --encoding macro -q','done','2026-11-27T01:14:49+00:00',3,'{"run": "second", "task": "digits", "encoding": "macro", "method": "aging", "surrogate": "boosting", "seed": 0, "trials": 4, "failed": 0, "seconds": 2.0197121379999317, "val_accuracy": 0.1, "test_accuracy": 0.10027855153203342, "params": 12090, "flops": 391904, "genome": [2, 32, 5, 2, 0, 2, 1, 32, 5, 1, 0, 1, 1, 24, 3, 1, 0, 2], "best_trial": 1, "reason": "the budget is spent", "device": "AMD EPYC, 2 cores", "evonas": "0.1.0", "memory": ["learning from this search''s own results"], "notes": []}');
CREATE TABLE tasks (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	input_shape JSON NOT NULL, 
	n_classes INTEGER NOT NULL, 
	features JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tasks" VALUES(1,'digits','00c7e5836d5658a0 0103671dfa055f84 01804ee9903dc3ab 01bbf06dadf7315d 01f99ac83cd21d9f 021ffe5cd6b93548 024088f7da1f9bfb 0245717638c65a6e 02c8c5dee8cb7f01 02df265f0ee94df5 02e51069e2edec1d 0340a1edf33c44f7 03706a0aefad75d8 03b050e7fb7a07af 03c92e00541832f8 03c976c9b9885246 03ca660082b71655 03e96ec3045cd209 0407ddb039cf94a7 0420f556cd0681ca 045ee9afeca42ad9 046b8e4be5da6d9d 047a0167f38c096a 047f62f556d89c44 04ee00b881f7b640 04f8a8c2fe0a0518 05055d0baa153145 05759cac261d1724 05b7746990cedc8c 05c066bb3379dacb 05ce36bc10d843d4 05ebbacb150f1af2 0605da224a2939e1 06213fb8c99b9a8a 062e473aa2c15b18 064a7b6ab86305f9 068b463a3ba09b18 06c82b5411b7a865 06e9962a24589e41 0759c34354f54669 075aca57a925d3f6 0771baa7ecdff458 0849a82b2ce27594 0849dd6a3007fb5e 086a33011aaae3cf 086f92d229007c1c 08869fce1c9c70c6 08890850ae7546c1 08931fdbf7b912f9 0899e6976ff541b6 08b9e43f71aa2273 08ef10d36518779b 08f0af0278c9ed5b 0909ac5fcc864e2a 091e5f0675b78c0c 0928ed3c906cb0a8 0988f477c65af536 0a29f767316ec028 0aa83d7b22d6c6c4 0acf46b345553325 0ae89be32a163d78 0af1bb5b1a81bd0f 0b269faed09c6bcf 0b36167aa40d29b4','[1, 8, 8]',10,'{"images": 1438.0, "classes": 10.0, "channels": 1.0, "height": 8.0, "width": 8.0, "class_entropy": 2.3024694952071028, "mean_0": 0.3054090440273285, "mean_1": 0.3054090440273285, "mean_2": 0.3054090440273285, "deviation_0": 0.3757894039154053, "deviation_1": 0.3757894039154053, "deviation_2": 0.3757894039154053, "linear_accuracy": 0.908, "nearest_accuracy": 0.96, "compressed": 0.41015625}');
COMMIT;
